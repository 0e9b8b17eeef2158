import type { Route } from '../../state/router.svelte';

export const routes: Route[] = [
  { path: '/signin', page: () => import('./SignIn.svelte'), for: 'anyone' },
  { path: '/signup', page: () => import('./SignUp.svelte'), for: 'anyone' },
  { path: '/forgot', page: () => import('./Forgot.svelte'), for: 'anyone' },
  { path: '/reset', page: () => import('./Reset.svelte'), for: 'anyone' },
  { path: '/verify', page: () => import('./Verify.svelte'), for: 'anyone' },
  { path: '/revert', page: () => import('./Revert.svelte'), for: 'anyone' },
  { path: '/invite', page: () => import('./Invite.svelte'), for: 'anyone' },
  { path: '/profile', page: () => import('./Profile.svelte') },
];
