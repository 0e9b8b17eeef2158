import type { Route } from '../../state/router.svelte';

export const routes: Route[] = [{ path: '/p/:project/settings', page: () => import('./Settings.svelte'), nav: { label: 'Settings', icon: 'settings', order: 90, needs: 'admin' } }];
