/** The server itself, for who runs it: `/v1/invites`, `/ready`, `/metrics`. */
import { del, get, post, send } from './call';

export interface Invite {
  invite_id: number;
  hint: string;
  user_id?: number;
  uses: number;
  used: number;
  created: string;
  expires?: string;
  revoked?: string;
}

const alone = { project: null };

export const invites = async () => (await get<{ invites: Invite[] }>('/v1/invites', {}, alone)).invites;
export const invite = (uses: number, duration?: string) =>
  post<{ code: string; uses: number; expires?: string }>('/v1/invites', { uses, duration }, alone);
export const revoke = (id: number) => del(`/v1/invites/${id}`, alone);

/** Whether imports and queries can be served. */
export const ready = () => get<{ status: string }>('/ready', {}, alone);

/** The figures of `/metrics`: of each name the sum over its labels. */
export async function figures(): Promise<Map<string, number>> {
  return read(await (await send('GET', '/metrics', { ...alone, headers: { accept: 'text/plain' } })).text());
}

/** Reads the text form of OpenMetrics, as far as it is needed here. */
export function read(text: string): Map<string, number> {
  const sums = new Map<string, number>();
  for (const line of text.split('\n')) {
    const found = /^([A-Za-z_:][\w:]*)(?:\{[^}]*\})? (\S+)/.exec(line);
    if (!found || line.startsWith('#')) continue;
    const value = Number(found[2]);
    if (Number.isFinite(value)) sums.set(found[1]!, (sums.get(found[1]!) ?? 0) + value);
  }
  return sums;
}
