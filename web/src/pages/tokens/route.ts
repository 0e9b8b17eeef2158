import type { Route } from '../../state/router.svelte';

export const routes: Route[] = [{ path: '/p/:project/tokens', page: () => import('./Tokens.svelte'), nav: { label: 'Tokens', icon: 'key', order: 70 } }];
