import type { Route } from '../../state/router.svelte';

export const routes: Route[] = [
  {
    path: '/p/:project/devices',
    page: () => import('./Devices.svelte'),
    nav: { label: 'Devices', icon: 'device', order: 20 },
  },
  { path: '/p/:project/devices/:device', page: () => import('./Device.svelte') },
];
