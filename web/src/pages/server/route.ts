import type { Route } from '../../state/router.svelte';

export const routes: Route[] = [{ path: '/server', page: () => import('./Server.svelte'), for: 'operator' }];
