import type { Route } from '../../state/router.svelte';

export const routes: Route[] = [
  { path: '/p/:project/explore', page: () => import('./Explore.svelte'), nav: { label: 'Explore', icon: 'chart', order: 30 } },
];
