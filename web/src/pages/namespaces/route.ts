import type { Route } from '../../state/router.svelte';

export const routes: Route[] = [
  { path: '/p/:project/namespaces', page: () => import('./Namespaces.svelte'), nav: { label: 'Namespaces', icon: 'table', order: 60 } },
  { path: '/p/:project/namespaces/:namespace', page: () => import('./Namespace.svelte') },
];
