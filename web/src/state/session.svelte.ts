/** Who is signed in, as the server says it. The cookie itself cannot be seen from here. */
import * as api from '../api/session';
import { context } from '../api/call';
import { go, router } from './router.svelte';

class SessionState {
  /** Whether the server has answered yet. */
  known = $state(false);
  /** Why it has not. */
  failed = $state<unknown>(null);
  user = $state<api.User | null>(null);
  signup = $state<api.Session['signup']>('closed');
  /** Whether letters are sent by mail. */
  mail = $state(false);
  version = $state('');

  /** Asks who we are. */
  async load(): Promise<void> {
    this.failed = null;
    try {
      this.#take(await api.current());
      this.known = true;
    } catch (error) {
      this.failed = error;
    }
  }

  async signIn(name: string, password: string): Promise<void> {
    this.#take(await api.signIn(name, password));
    this.known = true;
  }

  async signOut(): Promise<void> {
    await api.signOut();
    this.#forget();
    go('/signin');
  }

  /** The server no longer knows us: sign in again, and come back to this page. */
  lost(): void {
    if (!this.user) return;
    this.#forget();
    go(`/signin?next=${encodeURIComponent(location.pathname + location.search)}`, { replace: true });
  }

  #take(session: api.Session): void {
    this.user = session.user;
    this.signup = session.signup;
    this.mail = session.mail;
    this.version = session.version;
    context.csrf = session.csrf ?? '';
  }

  #forget(): void {
    router.guard = null;
    this.user = null;
    context.csrf = '';
    context.project = null;
  }
}

export const session = new SessionState();
context.lost = () => session.lost();

/** How a user is called: their name, else their address. */
export const nameOf = (user: Pick<api.User, 'username' | 'email'>) => user.username || user.email;
