// What the page shows, as its address says it. Everything on screen is here, so that an address can be handed on.
//
//   ?ns=input&f=temperature,humidity&d=bench-1&w=temperature:gt:20&from=now-6h&to=now&op=mean&every=5m&kind=bars

import type { Comparison, Condition, FieldType, Operator } from '../api/query';
import { DEFAULT_RANGE, type TimeRange } from '../time/range';
import type { ChartKind } from '../chart/series';
import type { Zone } from '../time/zone';

/** A condition as it is typed; which type its value has is the field's matter. */
export interface Where {
  field: string;
  op: Comparison;
  value: string;
}

export interface View {
  namespace: string;
  /** None: those that the page chooses. */
  fields: string[];
  /** None: all. */
  devices: string[];
  where: Where[];
  range: TimeRange;
  zone: Zone;
  /** '' for rows as they are. */
  operator: Operator | '';
  bucket: string;
  kind: ChartKind;
  tab: 'chart' | 'table' | 'statistics';
  /** One chart for each field, or all series in one. */
  together: boolean;
  live: boolean;
  /** Series that are switched off. */
  hidden: string[];
}

export const OPERATORS: readonly { value: Operator | ''; label: string }[] = [
  { value: '', label: 'Rows' },
  { value: 'mean', label: 'Mean' },
  { value: 'min', label: 'Minimum' },
  { value: 'max', label: 'Maximum' },
  { value: 'sum', label: 'Sum' },
  { value: 'count', label: 'Count' },
  { value: 'first', label: 'First' },
  { value: 'last', label: 'Last' },
];

export const COMPARISONS: readonly { value: Comparison; label: string }[] = [
  { value: 'eq', label: '=' },
  { value: 'ne', label: '≠' },
  { value: 'lt', label: '<' },
  { value: 'le', label: '≤' },
  { value: 'gt', label: '>' },
  { value: 'ge', label: '≥' },
];

/** Texts with commas between them; a comma within one is written `\,`. */
export function joined(texts: readonly string[], mark = ','): string | null {
  return texts.length === 0 ? null : texts.map((text) => text.replaceAll('\\', '\\\\').replaceAll(mark, `\\${mark}`)).join(mark);
}

/** The texts that `joined` joined. */
export function parted(text: string | null, mark = ','): string[] {
  if (text === null || text === '') return [];
  const parts = [''];
  for (let at = 0; at < text.length; at += 1) {
    const letter = text[at] ?? '';
    if (letter === '\\') parts[parts.length - 1] += text[(at += 1)] ?? '';
    else if (letter === mark) parts.push('');
    else parts[parts.length - 1] += letter;
  }
  return parts;
}

const one = <T extends string>(text: string | null, of: readonly T[], otherwise: T): T => of.find((value) => value === text) ?? otherwise;

/** What an address says; what it does not say, or says wrongly, is as usual. */
export function viewOf(query: URLSearchParams): View {
  return {
    namespace: query.get('ns') ?? 'input',
    fields: parted(query.get('f')),
    devices: parted(query.get('d') ?? query.get('devices')),
    where: query.getAll('w').flatMap((list) => parted(list, ';')).flatMap(whereOf),
    range: { from: query.get('from') ?? DEFAULT_RANGE.from, to: query.get('to') ?? DEFAULT_RANGE.to },
    zone: query.get('zone') ?? 'browser',
    operator: one(query.get('op'), OPERATORS.map((operator) => operator.value), ''),
    bucket: query.get('every') ?? 'auto',
    kind: one(query.get('kind'), ['line', 'points', 'bars'], 'line'),
    tab: one(query.get('tab'), ['chart', 'table', 'statistics'], 'chart'),
    together: query.get('together') === '1',
    live: query.get('live') === '1',
    hidden: parted(query.get('off')),
  };
}

function whereOf(text: string): Where[] {
  const [, field = '', op = '', value = ''] = /^([^:]*):([^:]*):([^]*)$/.exec(text) ?? [];
  const known = COMPARISONS.find((comparison) => comparison.value === op);
  return field === '' || !known ? [] : [{ field, op: known.value, value }];
}

/** What to write into the address; null for what goes without saying. */
export function addressOf(view: View): Record<string, string | null> {
  const unless = (value: string, usual: string) => (value === usual ? null : value);
  return {
    ns: unless(view.namespace, 'input'),
    f: joined(view.fields),
    d: joined(view.devices),
    // The long name is for links that people and other pages write.
    devices: null,
    w: joined(view.where.map((where) => `${where.field}:${where.op}:${where.value}`), ';'),
    from: unless(view.range.from, DEFAULT_RANGE.from),
    to: unless(view.range.to, DEFAULT_RANGE.to),
    zone: unless(view.zone, 'browser'),
    op: unless(view.operator, ''),
    every: unless(view.bucket, 'auto'),
    kind: unless(view.kind, 'line'),
    tab: unless(view.tab, 'chart'),
    together: view.together ? '1' : null,
    live: view.live ? '1' : null,
    off: joined(view.hidden),
  };
}

/** A typed condition as the API takes it; a text that says what is wrong with it otherwise. */
export function conditionOf(where: Where, type: FieldType | 'TEXT'): Condition | string {
  const { field, op, value } = where;
  if (type === 'BOOLEAN') {
    if (value !== 'true' && value !== 'false') return `${field} is true or false`;
    return { field, op, value: value === 'true' };
  }
  if (type === 'DOUBLE' || type === 'LONG') {
    const text = value.trim().replace(',', '.');
    const number = Number(text);
    if (text === '' || !Number.isFinite(number)) return value === '' ? `${field}: write a number` : `${field}: ${value} is no number`;
    if (type === 'LONG' && !Number.isInteger(number)) return `${field} holds whole numbers`;
    // A whole number beyond 2^53 would lose its last digits here; the server reads it from the text.
    return { field, op, value: Number.isSafeInteger(number) || !/^-?\d+$/.test(text) ? number : text };
  }
  return { field, op, value };
}

/** Whether a row fulfils a condition; nothing fulfils one on a value that is missing. */
export function fulfils(value: unknown, condition: Condition): boolean {
  if (value === null || value === undefined) return false;
  const wanted = typeof value === 'number' ? Number(condition.value) : condition.value;
  const compare = (one: never, other: never) => (one < other ? -1 : one > other ? 1 : 0);
  const order = compare(value as never, wanted as never);
  switch (condition.op) {
    case 'eq':
      return order === 0;
    case 'ne':
      return order !== 0;
    case 'lt':
      return order < 0;
    case 'le':
      return order <= 0;
    case 'gt':
      return order > 0;
    case 'ge':
      return order >= 0;
  }
}
