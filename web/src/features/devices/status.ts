// A device's status in words and signs, and its id as somebody types it.

import type { DeviceState } from '../../api/devices';

interface Words {
  label: string;
  kind: 'ok' | 'warn' | 'bad' | 'neutral';
  /** What it means. */
  title: string;
}

export const STATES: readonly DeviceState[] = ['online', 'stale', 'offline', 'never_seen'];

const WORDS: Record<DeviceState, Words> = {
  online: { label: 'Online', kind: 'ok', title: 'Heard within the time that is usual here' },
  stale: { label: 'Stale', kind: 'warn', title: 'Its next readings should have come by now' },
  offline: { label: 'Offline', kind: 'bad', title: 'Not heard for long' },
  never_seen: { label: 'Never seen', kind: 'neutral', title: 'Registered, but nothing came from it yet' },
};

/** The words for a state; a state that this app does not know is shown as it is. */
export function wordsOf(state: string | undefined): Words {
  return WORDS[state as DeviceState] ?? { label: state ?? 'Unknown', kind: 'neutral', title: '' };
}

/** What is wrong with an id that someone types; '' when nothing is. */
export function wrongId(id: string): string {
  if (id.length > 255) return `An id has at most 255 characters, this one has ${id.length}`;
  const at = id.search(/[^A-Za-z0-9_:-]/);
  if (at < 0) return '';
  const character = [...id.slice(at)][0] ?? '';
  return `'${character}' at position ${at + 1} is not allowed; use A-Z, a-z, 0-9, '_', ':' or '-'`;
}

/** Which field of the form a refusal is about, by what the server says of it. */
export function fieldOf(message: string): 'id' | 'name' | 'type' | null {
  const found = /device[ _](id|name|type)/i.exec(message)?.[1]?.toLowerCase();
  return (found as 'id' | 'name' | 'type' | undefined) ?? null;
}
