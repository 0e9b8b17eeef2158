/**
 * Where we are: the path decides the page, the query holds the page's own state.
 *
 * Links are plain `<a href>`; clicks on them stay within the app. A page's folder says its paths in a `route.ts`
 * (`export const routes: Route[]`); nothing else has to know of them.
 */
import type { Component } from 'svelte';
import type { IconName } from '../ui/icons';

export interface Route {
  /** Such as `/p/:project/devices/:device`. Parts that begin with a colon become `params`. */
  path: string;
  /** Loaded when it is first gone to. */
  // Pages take `{ params }`, or nothing.
  page: () => Promise<{ default: Component<any> }>;
  /** Who may see it: anyone, someone signed in, or who runs the server. `user` unless said. */
  for?: 'anyone' | 'user' | 'operator';
  /** What stands around it: nothing, the app's frame, or the frame with the project's navigation. By its path unless said. */
  frame?: 'none' | 'app' | 'project';
  /** Its place in the navigation of a project, if it has one. */
  nav?: { label: string; icon: IconName; order: number; needs?: 'admin' };
}

/** The parts of `path` if `pattern` fits it. */
export function match(pattern: string, path: string): Record<string, string> | null {
  const wanted = pattern.split('/').filter(Boolean);
  const found = path.split('/').filter(Boolean);
  if (wanted.length !== found.length) return null;
  const params: Record<string, string> = {};
  for (const [at, part] of wanted.entries()) {
    if (!part.startsWith(':')) {
      if (part !== found[at]) return null;
      continue;
    }
    try {
      params[part.slice(1)] = decodeURIComponent(found[at]!);
    } catch {
      return null;
    }
  }
  return params;
}

class Router {
  path = $state('/');
  /** The query, without its `?`. */
  search = $state('');
  /** What stands behind `#`: the keys of letters. Never sent to the server with the page. */
  hash = $state('');
  /** Asked before leaving the page; whatever it says but '' is shown, and may keep us here. */
  guard: (() => string) | null = null;

  get query(): URLSearchParams {
    return new URLSearchParams(this.search);
  }

  /** Begins to follow the address bar and clicks on links. Call it once. */
  start(): void {
    this.#read();
    addEventListener('popstate', () => this.#read());
    addEventListener('hashchange', () => this.#read());
    document.addEventListener('click', (event) => this.#click(event));
  }

  /** Goes to an address of the app. */
  go(href: string, options: { replace?: boolean } = {}): void {
    const warning = this.guard?.();
    if (warning && !confirm(warning)) return;
    this.guard = null;
    history[options.replace ? 'replaceState' : 'pushState'](null, '', href);
    this.#read();
    scrollTo(0, 0);
  }

  /** Writes page state into the query without leaving the page; `null` and '' take a name out. */
  set(changes: Record<string, string | null | undefined>, options: { push?: boolean } = {}): void {
    const query = this.query;
    for (const [name, value] of Object.entries(changes)) {
      if (value === null || value === undefined || value === '') query.delete(name);
      else query.set(name, value);
    }
    const text = query.toString();
    if (text === this.search) return;
    history[options.push ? 'pushState' : 'replaceState'](null, '', this.path + (text ? `?${text}` : '') + location.hash);
    this.search = text;
  }

  #read(): void {
    this.path = location.pathname;
    this.search = location.search.slice(1);
    this.hash = location.hash.slice(1);
  }

  #click(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = (event.target as Element | null)?.closest?.('a[href]') as HTMLAnchorElement | null;
    if (!link || link.target || link.hasAttribute('download') || link.origin !== location.origin) return;
    if (link.pathname.startsWith('/v1/') || /^\/(metrics|health|ready)$/.test(link.pathname)) return;
    if (link.pathname === location.pathname && link.search === location.search && link.hash) return;
    event.preventDefault();
    this.go(link.pathname + link.search + link.hash);
  }
}

export const router = new Router();
export const go = (href: string, options?: { replace?: boolean }) => router.go(href, options);
