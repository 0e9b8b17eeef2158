import type { Route } from '../../state/router.svelte';

export const routes: Route[] = [{ path: '/p/:project/first-steps', page: () => import('./FirstSteps.svelte') }];
