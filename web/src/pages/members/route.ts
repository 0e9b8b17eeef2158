import type { Route } from '../../state/router.svelte';

export const routes: Route[] = [{ path: '/p/:project/members', page: () => import('./Members.svelte'), nav: { label: 'Members', icon: 'people', order: 80 } }];
