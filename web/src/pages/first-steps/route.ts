import type { Route } from '../../state/router.svelte';

export const routes: Route[] = [{ path: '/p/:project/first-steps', page: () => import('../../features/first-steps/FirstSteps.svelte') }];
