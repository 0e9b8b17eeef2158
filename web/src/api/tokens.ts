/** Tokens: `/v1/tokens`. */
import { del, get, patch } from './call';

export interface Token {
  token_id: number;
  kind: 'user' | 'project';
  /** What it is for, in words of whoever made it. */
  name?: string;
  user_id: number;
  /** Who made it; absent when their account was deleted. */
  creator?: string;
  /** `creator`: it loses what they lose; `project`: it outlives their membership. */
  owner: 'creator' | 'project';
  /** Whether an admin should look at it. */
  review: boolean;
  include_user: boolean;
  project_id?: number;
  read: boolean;
  write: boolean;
  admin: boolean;
  device_id?: string;
  refreshable: boolean;
  created: string;
  expires: string;
  revoked?: string;
  last_used?: string;
}

export interface IssuedToken {
  token: string;
  expires: string;
  created: string;
  project_id: number;
  read: boolean;
  write: boolean;
  admin: boolean;
}

export interface Wanted {
  name?: string;
  read: boolean;
  write: boolean;
  admin: boolean;
  /** Such as `30d`; empty for the server's usual life. */
  duration?: string;
  device_id?: string;
  refreshable: boolean;
  include_user: boolean;
  /** Whose it is; the server's choice when left out. */
  owner?: 'creator' | 'project';
}

/** Whether a token ends at all: one that does not is dated to the year 9999. */
export const ends = (token: { expires: string }) => !token.expires.startsWith('9999-');

export const ofProject = async (project_id: number) =>
  (await get<{ tokens: Token[] }>('/v1/tokens', { project_id }, { project: null })).tokens;
export const ofMine = async () => (await get<{ tokens: Token[] }>('/v1/tokens', {}, { project: null })).tokens;
export const issue = (project_id: number, wanted: Wanted) =>
  get<IssuedToken>('/v1/tokens/project', { project_id, ...wanted }, { project: null });
/** Says that a token which is to be reviewed stays. */
export const keep = (id: number) => patch<void>(`/v1/tokens/${id}`, { review: false }, { project: null });
export const revoke = (id: number) => del(`/v1/tokens/${id}`, { project: null });
