/** Boards and their read-only links: `/v1/dashboards`, `/v1/shared`. */
import { type Options, del, get, post, put } from './call';

export interface BoardEntry {
  dashboard_id: number;
  name: string;
  version: number;
  created: string;
  last_modified: string;
  panels: number;
  shares: number;
}

/** `board` is what `panels/board.ts` reads. */
export interface StoredBoard {
  dashboard_id: number;
  name: string;
  version: number;
  created: string;
  last_modified: string;
  board: unknown;
}

export interface Share {
  share_id: number;
  created: string;
  expires?: string | null;
  last_used?: string | null;
}

export interface NewShare extends Share {
  /** Shown once. */
  key: string;
}

const path = (id: number | string, rest = '') => `/v1/dashboards/${encodeURIComponent(id)}${rest}`;

export const list = async (options?: Options) =>
  (await get<{ dashboards: BoardEntry[] }>('/v1/dashboards', {}, options)).dashboards;
export const show = (id: number | string, options?: Options) => get<StoredBoard>(path(id), {}, options);
export const create = (name: string, board: unknown) => post<StoredBoard>('/v1/dashboards', { name, board });
export const save = (id: number, version: number, name: string, board: unknown) =>
  put<StoredBoard>(path(id), { version, name, board });
export const remove = (id: number) => del(path(id));

export const shares = async (id: number) => (await get<{ shares: Share[] }>(path(id, '/shares'))).shares;
export const share = (id: number, expires?: string) => post<NewShare>(path(id, '/shares'), { expires });
export const revoke = (id: number, share_id: number) => del(path(id, `/shares/${share_id}`));

// --- With a link's key, without signing in

export interface SharedBoard {
  dashboard: { name: string; board: unknown };
  project_name: string;
}

const withKey = (key: string, options: Options = {}): Options => ({
  ...options,
  headers: { authorization: `Share ${key}` },
  project: null,
  quiet401: true,
});

export const shared = (key: string) => get<SharedBoard>('/v1/shared', {}, withKey(key));
export const sharedQuery = <T>(key: string, body: unknown, options?: Options) =>
  post<T>('/v1/shared/query', body, withKey(key, options));
