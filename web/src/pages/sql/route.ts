import type { Route } from '../../state/router.svelte';

export const routes: Route[] = [
  { path: '/p/:project/sql', page: () => import('./Sql.svelte'), nav: { label: 'SQL', icon: 'sql', order: 40 } },
];
