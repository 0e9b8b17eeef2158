import type { Route } from '../../state/router.svelte';

export const routes: Route[] = [{ path: '/shared', page: () => import('./Shared.svelte'), for: 'anyone', frame: 'none' }];
