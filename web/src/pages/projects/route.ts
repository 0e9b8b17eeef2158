import type { Route } from '../../state/router.svelte';

export const routes: Route[] = [
  { path: '/', page: () => import('./Start.svelte') },
  { path: '/projects', page: () => import('./Projects.svelte') },
  { path: '/p/:project', page: () => import('./Overview.svelte'), nav: { label: 'Overview', icon: 'overview', order: 10 } },
];
