/** Signing in and out, and the account: `/v1/session`, `/v1/users`. */
import { del, get, patch, post } from './call';

export interface User {
  user_id: number;
  email: string;
  username: string;
  first_name: string;
  last_name: string;
  company_name: string;
  url: string;
  /** Whether they run this server. */
  operator: boolean;
  email_verified: boolean;
}

export interface Session {
  user: User | null;
  csrf?: string;
  expires?: string;
  /** Who may sign up. */
  signup: 'open' | 'invite' | 'closed';
  /** Whether the server sends mail; otherwise it writes letters into a folder. */
  mail: boolean;
  version: string;
}

export const current = () => get<Session>('/v1/session', {}, { project: null });
export const signIn = (name: string, password: string) =>
  post<Session>('/v1/session', { name, password }, { quiet401: true, project: null });
export const signOut = () => del('/v1/session', { quiet401: true, project: null });

export const signUp = (account: { email: string; password: string; username?: string; invite?: string }) =>
  post<User>('/v1/users', account, { quiet401: true, project: null });
/** Another e-mail address needs the password. */
export const update = (
  changes: Partial<Pick<User, 'email' | 'username' | 'first_name' | 'last_name' | 'company_name' | 'url'>> & { old_password?: string },
) => patch<User | undefined>('/v1/users/me', changes, { quiet401: true, project: null });
export const changePassword = (old_password: string, password: string) =>
  patch<User | undefined>('/v1/users/me', { old_password, password }, { quiet401: true, project: null });

/** Deletes the account; the heir becomes admin of projects that would have none. */
export const deleteAccount = (password: string, heir?: number) =>
  post<void>('/v1/users/me/deletion', { password, ...(heir && { heir }) }, { quiet401: true, project: null });

/** Asks for the letter with the key of `verify` again. */
export const resendVerification = () => post<void>('/v1/users/me/verification', undefined, { project: null });
export const verify = (verification_key: string) =>
  post<void>('/v1/users/email', { verification_key }, { quiet401: true, project: null });
/** Takes back a change of the address, with the key of the letter to the old one. */
export const revertEmail = (revert_key: string) =>
  post<void>('/v1/users/email/revert', { revert_key }, { quiet401: true, project: null });
export const askReset = (email: string) => get<void>('/v1/users/password', { reset: email }, { quiet401: true, project: null });
export const reset = (reset_key: string, password: string) =>
  post<void>('/v1/users/password', { reset_key, password }, { quiet401: true, project: null });

/** The user of this name or address. */
export const find = (name: string) => get<User>('/v1/users', { name }, { project: null });
