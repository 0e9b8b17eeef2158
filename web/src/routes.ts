/** All pages there are: those that the folders in `pages/` name in their `route.ts`. */
import type { Route } from './state/router.svelte';

const found = import.meta.glob<{ routes: Route[] }>('./pages/*/route.ts', { eager: true });

export const routes: Route[] = Object.values(found).flatMap((module) => module.routes);

/** The navigation of a project, in its order. */
export const navigation = routes.filter((route) => route.nav).sort((one, other) => one.nav!.order - other.nav!.order);
