/** Projects, their members and invites to them: `/v1/projects`, `/v1/invites/accept`. */
import { del, get, patch, post } from './call';

export interface Rights {
  read: boolean;
  write: boolean;
  admin: boolean;
}

/** A project, as its list shows it: with what the caller may do. */
export interface Project {
  project_id: number;
  project_name: string;
  created: string;
  permissions: Rights;
}

/** Who holds what. */
export interface Holders {
  read: { user_id: number }[];
  write: { user_id: number }[];
  admin: { user_id: number }[];
}

export interface ProjectDetails {
  project_id: number;
  project_name: string;
  created: string;
  auto_register: boolean;
  permissions: Holders;
  /** How those are called. */
  members?: { user_id: number; username: string; email: string }[];
}

export interface ProjectInvite {
  invite_id: number;
  email: string;
  read: boolean;
  write: boolean;
  admin: boolean;
  created: string;
  expires?: string;
  /** To hand over by other means than mail; only in the reply that makes it. */
  link?: string;
}

const alone = { project: null };

export const list = async () => (await get<{ projects: Project[] }>('/v1/projects', {}, alone)).projects;
export const show = (id: number) => get<ProjectDetails>(`/v1/projects/${id}`, {}, alone);
export const create = (project_name: string) => post<ProjectDetails>('/v1/projects', { project_name }, alone);
export const update = (id: number, changes: { project_name?: string; auto_register?: boolean }) =>
  patch<ProjectDetails | undefined>(`/v1/projects/${id}`, changes, alone);
export const remove = (id: number) => del(`/v1/projects/${id}`, alone);
/** A new member is shown by `name` to the others, until they have been in the project. */
export const setRights = (id: number, user_id: number, rights: Rights, name?: string) =>
  patch<void>(`/v1/projects/${id}/permissions`, { user_id, ...rights, ...(name && { name }) }, alone);
/** What becomes of the tokens of a member who is removed: devices' stay and others end, all stay, or all end. */
export type MemberTokens = '' | 'keep' | 'revoke';
export const removeMember = (id: number, user_id: number, tokens: MemberTokens) =>
  patch<void>(`/v1/projects/${id}/permissions`, { user_id, read: false, write: false, admin: false, ...(tokens && { tokens }) }, alone);

export const invite = (id: number, email: string, rights: Rights) =>
  post<ProjectInvite>(`/v1/projects/${id}/invites`, { email, ...rights }, alone);
export const invites = async (id: number) =>
  (await get<{ invites: ProjectInvite[] }>(`/v1/projects/${id}/invites`, {}, alone)).invites;
export const withdraw = (id: number, inviteId: number) => del(`/v1/projects/${id}/invites/${inviteId}`, alone);
export const accept = (code: string) => post<{ project_id: number } | undefined>('/v1/invites/accept', { code }, alone);
