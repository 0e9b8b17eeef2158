// Names, labels and retentions as people write them, before the server sees them.

import type { Label } from '../../api/namespaces';

/** What is wrong with a name of a namespace or field; '' when nothing is. */
export function nameWrong(name: string, what: 'field' | 'namespace'): string {
  if (name === '') return '';
  if (name.length > 255) return 'At most 255 characters';
  const letter = /[^A-Za-z0-9_-]/.exec(name)?.[0];
  if (letter !== undefined) return `${letter === ' ' ? 'A space' : `'${letter}'`} is not allowed; use A-Z, a-z, 0-9, '_' or '-'`;
  if (what === 'field' && /^(time|time_offset|all)$/i.test(name)) return `'${name}' has a meaning of its own; choose another name`;
  return '';
}

/** The names that more than one row has, without regard to case. */
export function doubles(names: readonly string[]): Set<string> {
  const seen = new Set<string>();
  const twice = new Set<string>();
  for (const name of names.map((one) => one.trim().toLowerCase()).filter(Boolean)) (seen.has(name) ? twice : seen).add(name);
  return twice;
}

/** A label's value: what looks like a number or a truth is one; in double quotes it is a text. */
export function labelOf(text: string): Label {
  const bare = text.trim();
  if (bare === 'true' || bare === 'false') return bare === 'true';
  if (/^-?\d+(\.\d+)?$/.test(bare) && Number.isFinite(Number(bare)) && (!/^-?\d+$/.test(bare) || Number.isSafeInteger(Number(bare)))) return Number(bare);
  return /^".*"$/.test(bare) ? bare.slice(1, -1) : bare;
}

/** A label's value as it would be typed. */
export function labelText(value: Label): string {
  return typeof value === 'string' && labelOf(value) !== value ? `"${value}"` : String(value);
}

export const RETENTIONS = [
  { value: 'default', label: 'As the server keeps all' },
  { value: 'none', label: 'For ever' },
  { value: '7d', label: '7 days' },
  { value: '30d', label: '30 days' },
  { value: '90d', label: '90 days' },
  { value: '365d', label: '1 year' },
  { value: 'own', label: 'Another time' },
] as const;

const UNITS: Record<string, string> = { s: 'second', m: 'minute', h: 'hour', d: 'day', w: 'week', y: 'year' };

/** A retention in words. */
export function retentionText(retention: string): string {
  if (retention === 'none') return 'for ever';
  const [, count = '', unit = ''] = /^(\d+)([smhdwy])$/.exec(retention) ?? [];
  return unit === '' ? retention : `${count} ${UNITS[unit]}${count === '1' ? '' : 's'}`;
}

/** What is wrong with a retention; '' when nothing is. */
export function retentionWrong(text: string): string {
  const bare = text.trim();
  return bare === '' || /^(none|forever|default)$/i.test(bare) || /^\d+\s*[smhdwy]?$/i.test(bare) || /^p[0-9a-z]+$/i.test(bare) ? '' : 'A number and s, m, h, d, w or y, such as 45d';
}
