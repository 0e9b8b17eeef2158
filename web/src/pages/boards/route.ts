import type { Route } from '../../state/router.svelte';

export const routes: Route[] = [
  {
    path: '/p/:project/boards',
    page: () => import('./Boards.svelte'),
    nav: { label: 'Boards', icon: 'board', order: 50 },
  },
  { path: '/p/:project/boards/:board', page: () => import('./BoardPage.svelte') },
];
