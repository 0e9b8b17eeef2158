/**
 * One way to ask the server: JSON in, JSON out, and every failure a `ProblemError`.
 *
 * The session's cookie goes along by itself; what changes something also carries the session's CSRF value, and what
 * belongs to a project names it. Whoever signs in or opens a project says so once, in `context`.
 */

import { exactJson } from './json';

/** What every call carries. Set by `state/session` and `state/project`. */
export const context: { csrf: string; project: number | null; lost: () => void } = {
  csrf: '',
  project: null,
  lost: () => undefined,
};

/** Something went wrong, and what to do about it. */
export class ProblemError extends Error {
  constructor(
    /** The status of the reply; 0 when there was none. */
    readonly status: number,
    message: string,
    /** Where it happened and what would be right. */
    readonly details = '',
    /** The number that the REST API gives to this kind of error. */
    readonly code = 0,
    /** After how many seconds the same may work. */
    readonly retryAfter: number | null = null,
  ) {
    super(message);
    this.name = 'ProblemError';
  }

  /** Whether there was no answer at all. */
  get unreachable(): boolean {
    return this.status === 0;
  }
}

export type Query = Record<string, string | number | boolean | null | undefined>;

export interface Options {
  query?: Query;
  /** Sent as JSON. */
  body?: unknown;
  /** Another project than the open one; `null` for none. */
  project?: number | null;
  signal?: AbortSignal;
  headers?: Record<string, string>;
  /** A 401 is an answer here, not the end of the session (signing in, a shared link). */
  quiet401?: boolean;
}

/** A path with its query; what is `null`, `undefined` or empty is left out. */
export function address(path: string, query: Query = {}): string {
  const pairs = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== '');
  if (pairs.length === 0) return path;
  return `${path}?${new URLSearchParams(pairs.map(([name, value]) => [name, String(value)]))}`;
}

/** A plain link to something of the open project, such as a download. */
export function download(path: string, query: Query = {}): string {
  return address(path, { ...query, project_id: context.project });
}

async function problem(reply: Response): Promise<ProblemError> {
  const after = Number(reply.headers.get('retry-after'));
  const retryAfter = Number.isFinite(after) && after > 0 ? after : null;
  try {
    const first = (await reply.json()).errors[0];
    return new ProblemError(reply.status, String(first.message), String(first.details ?? ''), Number(first.code ?? 0), retryAfter);
  } catch {
    return new ProblemError(reply.status, `The server answered ${reply.status}`, 'Try again; if it stays so, look into the server\'s log.', 0, retryAfter);
  }
}

/** Asks, and gives the reply as it is when it is a good one. */
export async function send(method: string, path: string, options: Options = {}): Promise<Response> {
  const headers: Record<string, string> = { accept: 'application/json', ...options.headers };
  const project = options.project === undefined ? context.project : options.project;
  if (project !== null) headers['x-project-id'] = String(project);
  // GET is without, but for the call that issues a token; the server ignores it where it is not needed.
  if (context.csrf) headers['x-csrf-token'] = context.csrf;
  if (options.body !== undefined) headers['content-type'] = 'application/json';
  let reply: Response;
  try {
    reply = await fetch(address(path, options.query), {
      method,
      headers,
      body: options.body === undefined ? undefined : JSON.stringify(options.body),
      signal: options.signal,
      credentials: 'same-origin',
      cache: 'no-store',
    });
  } catch (cause) {
    if (options.signal?.aborted) throw cause;
    throw new ProblemError(0, 'The server does not answer', 'See whether iobeam is running and this machine has a network, then try again.');
  }
  if (reply.ok) return reply;
  const refused = await problem(reply);
  if (reply.status === 401 && !options.quiet401) context.lost();
  throw refused;
}

/** Asks, and gives what the reply says; `undefined` when it has no body. */
export async function call<T>(method: string, path: string, options: Options = {}): Promise<T> {
  const reply = await send(method, path, options);
  if (reply.status === 204) return undefined as T;
  const text = await reply.text();
  return (text === '' ? undefined : exactJson<T>(text)) as T;
}

export const get = <T>(path: string, query?: Query, options: Options = {}) => call<T>('GET', path, { ...options, query });
export const post = <T>(path: string, body?: unknown, options: Options = {}) => call<T>('POST', path, { ...options, body });
export const put = <T>(path: string, body?: unknown, options: Options = {}) => call<T>('PUT', path, { ...options, body });
export const patch = <T>(path: string, body?: unknown, options: Options = {}) => call<T>('PATCH', path, { ...options, body });
export const del = <T = void>(path: string, options: Options = {}) => call<T>('DELETE', path, options);

/** Whether this is what an aborted call throws. */
export const aborted = (error: unknown): boolean => error instanceof DOMException && error.name === 'AbortError';
