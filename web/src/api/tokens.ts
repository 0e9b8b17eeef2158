/** Tokens: `/v1/tokens`. */
import { del, get } from './call';

export interface Token {
  token_id: number;
  kind: 'user' | 'project';
  /** What it is for, in words of whoever made it. */
  name?: string;
  user_id: number;
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
}

export const ofProject = async (project_id: number) =>
  (await get<{ tokens: Token[] }>('/v1/tokens', { project_id }, { project: null })).tokens;
export const ofMine = async () => (await get<{ tokens: Token[] }>('/v1/tokens', {}, { project: null })).tokens;
export const issue = (project_id: number, wanted: Wanted) =>
  get<IssuedToken>('/v1/tokens/project', { project_id, ...wanted }, { project: null });
export const revoke = (id: number) => del(`/v1/tokens/${id}`, { project: null });
