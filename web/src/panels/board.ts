// A board as it is stored and exchanged: panels on a grid, variables, a time range, and how it is kept fresh.
//
// What comes from outside (a file, the server) goes through `readBoard`, which names the place of everything that is wrong.

import { COLUMNS, compact, place } from './grid';

export const PANEL_KINDS = ['chart', 'value', 'gauge', 'table', 'timeline', 'map', 'text'] as const;
export type PanelKind = (typeof PANEL_KINDS)[number];

export const OPERATORS = ['mean', 'min', 'max', 'sum', 'count', 'first', 'last'] as const;
export type Operator = (typeof OPERATORS)[number];

export const COMPARISONS = ['eq', 'ne', 'lt', 'le', 'gt', 'ge'] as const;

export interface Predicate {
  field: string;
  op: (typeof COMPARISONS)[number];
  value: string | number | boolean;
}

/** What a panel asks for; the time range is the board's. */
export interface PanelQuery {
  namespace: string;
  fields: string[];
  /** Ids, or `["$name"]` of a variable, or null: all devices. */
  devices: string[] | null;
  where: Predicate[];
  operator: Operator | null;
  /** `auto`, `raw`, `all`, a length such as `15m`, or `$name` of a variable. */
  bucket: string;
  downsample?: 'minmax' | 'lttb';
  timezone?: string;
  limit?: number;
  max_series?: number;
}

export interface Panel {
  id: string;
  title: string;
  kind: PanelKind;
  x: number;
  y: number;
  w: number;
  h: number;
  query?: PanelQuery;
  options: Record<string, unknown>;
}

export interface Variable {
  name: string;
  kind: 'device' | 'interval';
  multi?: boolean;
  /** Ids of devices (none: all of them), or a length such as `15m` or `auto`. */
  value: string | string[];
}

export interface Board {
  variables: Variable[];
  time: { from: string; to: string; timezone?: string };
  /** `live`, `off`, or the time between two looks, such as `10s`. */
  refresh: string;
  panels: Panel[];
}

export const REFRESHES = ['live', '5s', '10s', '30s', '1m', '5m', 'off'] as const;
export const INTERVALS = ['auto', '1s', '10s', '1m', '5m', '15m', '1h', '6h', '1d'] as const;

/** A length of time, in milliseconds, or null. */
export function lengthOf(text: string): number | null {
  const found = /^(\d{1,6})(ms|s|m|h|d|w)$/.exec(text);
  const unit = { ms: 1, s: 1e3, m: 6e4, h: 36e5, d: 864e5, w: 6048e5 }[found?.[2] ?? ''];
  return found && unit && Number(found[1]) > 0 ? Number(found[1]) * unit : null;
}

export function emptyBoard(): Board {
  return { variables: [], time: { from: 'now-1h', to: 'now' }, refresh: 'live', panels: [] };
}

/** An id that no panel has. */
export function freshId(panels: readonly { id: string }[]): string {
  for (let number = panels.length + 1; ; number += 1) {
    if (!panels.some((panel) => panel.id === `p${number}`)) return `p${number}`;
  }
}

export const SIZES: Record<PanelKind, { w: number; h: number }> = {
  chart: { w: 6, h: 6 },
  value: { w: 3, h: 3 },
  gauge: { w: 3, h: 4 },
  table: { w: 6, h: 6 },
  timeline: { w: 6, h: 4 },
  map: { w: 6, h: 8 },
  text: { w: 4, h: 3 },
};

/** A panel with what is usual for its kind, on a free place. */
export function newPanel(panels: readonly Panel[], kind: PanelKind, namespace: string): Panel {
  const size = SIZES[kind];
  const panel: Panel = {
    id: freshId(panels),
    title: '',
    kind,
    ...place(panels, size.w, size.h),
    ...size,
    options: {},
  };
  if (kind !== 'text') panel.query = usualQuery(kind, namespace);
  return panel;
}

export function usualQuery(kind: PanelKind, namespace: string): PanelQuery {
  return {
    namespace,
    fields: [],
    devices: null,
    where: [],
    // Positions need the times of latitude and longitude to agree, which buckets give them.
    operator: kind === 'map' ? 'last' : null,
    bucket: 'auto',
    downsample: kind === 'value' || kind === 'gauge' ? 'lttb' : 'minmax',
  };
}

// --- Reading what comes from outside

type Unknown = Record<string, unknown>;

/** Collects what is wrong, each with its place. */
class Reader {
  problems: string[] = [];

  wrong(place: string, text: string) {
    if (this.problems.length < 20) this.problems.push(`${place}: ${text}`);
  }

  object(value: unknown, place: string): Unknown {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Unknown;
    this.wrong(place, 'must be an object');
    return {};
  }

  list(value: unknown, place: string): unknown[] {
    if (value === undefined || value === null) return [];
    if (Array.isArray(value)) return value;
    this.wrong(place, 'must be a list');
    return [];
  }

  text(value: unknown, place: string, most = 255): string {
    if (typeof value === 'string' && value.length <= most) return value;
    this.wrong(place, `must be a text of at most ${most} characters`);
    return '';
  }

  oneOf<T extends string>(value: unknown, all: readonly T[], place: string, otherwise: T): T {
    if (all.includes(value as T)) return value as T;
    this.wrong(place, `must be one of ${all.join(', ')}`);
    return otherwise;
  }

  whole(value: unknown, least: number, most: number, place: string): number {
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
    this.wrong(place, `must be a whole number from ${least} to ${most}`);
    return least;
  }
}

export type Read<T> = { value: T; problems?: undefined } | { value?: undefined; problems: string[] };

/** A board from anything: sound, or the list of what is wrong with it. */
export function readBoard(input: unknown): Read<Board> {
  const reader = new Reader();
  const from = reader.object(input, 'board');
  const time = reader.object(from.time ?? { from: 'now-1h', to: 'now' }, 'time');
  const board: Board = {
    variables: reader.list(from.variables, 'variables').map((one, i) => variable(reader, one, i)),
    time: {
      from: reader.text(time.from, 'time.from', 64),
      to: reader.text(time.to, 'time.to', 64),
      ...(typeof time.timezone === 'string' ? { timezone: time.timezone } : {}),
    },
    refresh: refresh(reader, from.refresh ?? 'off'),
    panels: reader.list(from.panels, 'panels').map((one, i) => panel(reader, one, i)),
  };
  const twice = (all: string[]) => all.find((one, i) => all.indexOf(one) !== i);
  const id = twice(board.panels.map((one) => one.id));
  if (id !== undefined) reader.wrong('panels', `two panels have the id '${id}'`);
  const name = twice(board.variables.map((one) => one.name));
  if (name !== undefined) reader.wrong('variables', `two variables have the name '${name}'`);
  if (reader.problems.length > 0) return { problems: reader.problems };
  return { value: { ...board, panels: compact(board.panels) } };
}

function refresh(reader: Reader, value: unknown): string {
  if (value === 'live' || value === 'off') return value;
  if (typeof value === 'string' && (lengthOf(value) ?? 0) >= 1000) return value;
  reader.wrong('refresh', "must be 'live', 'off' or a time such as 10s");
  return 'off';
}

function variable(reader: Reader, input: unknown, index: number): Variable {
  const place = `variables[${index}]`;
  const from = reader.object(input, place);
  const kind = reader.oneOf(from.kind, ['device', 'interval'] as const, `${place}.kind`, 'device');
  const name = reader.text(from.name, `${place}.name`, 32);
  if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(name)) {
    reader.wrong(`${place}.name`, 'must begin with a letter and hold letters, digits and _ only');
  }
  const many = Array.isArray(from.value) ? from.value : undefined;
  const value = many
    ? many.map((one, i) => reader.text(one, `${place}.value[${i}]`))
    : reader.text(from.value ?? '', `${place}.value`);
  return { name, kind, value, ...(from.multi === true ? { multi: true } : {}) };
}

function panel(reader: Reader, input: unknown, index: number): Panel {
  const place = `panels[${index}]`;
  const from = reader.object(input, place);
  const kind = reader.oneOf(from.kind, PANEL_KINDS, `${place}.kind`, 'text');
  const read: Panel = {
    id: reader.text(from.id, `${place}.id`, 64),
    title: reader.text(from.title ?? '', `${place}.title`),
    kind,
    x: reader.whole(from.x, 0, COLUMNS - 1, `${place}.x`),
    y: reader.whole(from.y, 0, 10_000, `${place}.y`),
    w: reader.whole(from.w, 1, COLUMNS, `${place}.w`),
    h: reader.whole(from.h, 1, 10_000, `${place}.h`),
    options: reader.object(from.options ?? {}, `${place}.options`),
  };
  if (kind !== 'text') read.query = query(reader, from.query, `${place}.query`);
  return read;
}

function query(reader: Reader, input: unknown, place: string): PanelQuery {
  const from = reader.object(input, place);
  const texts = (value: unknown, where: string) =>
    reader.list(value, where).map((one, i) => reader.text(one, `${where}[${i}]`));
  const read: PanelQuery = {
    namespace: reader.text(from.namespace ?? 'input', `${place}.namespace`),
    fields: texts(from.fields, `${place}.fields`),
    devices: from.devices === null || from.devices === undefined ? null : texts(from.devices, `${place}.devices`),
    where: reader.list(from.where, `${place}.where`).map((one, i) => {
      const at = `${place}.where[${i}]`;
      const predicate = reader.object(one, at);
      const value = predicate.value;
      const plain = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
      if (!plain) reader.wrong(`${at}.value`, 'must be a text, a number, or true or false');
      return {
        field: reader.text(predicate.field, `${at}.field`),
        op: reader.oneOf(predicate.op, COMPARISONS, `${at}.op`, 'eq'),
        value: plain ? value : '',
      };
    }),
    operator:
      from.operator === null || from.operator === undefined
        ? null
        : reader.oneOf(from.operator, OPERATORS, `${place}.operator`, 'mean'),
    bucket: reader.text(from.bucket ?? 'auto', `${place}.bucket`, 64),
  };
  if (from.downsample !== undefined && from.downsample !== null) {
    read.downsample = reader.oneOf(from.downsample, ['minmax', 'lttb'] as const, `${place}.downsample`, 'minmax');
  }
  if (typeof from.timezone === 'string') read.timezone = from.timezone;
  if (typeof from.limit === 'number') read.limit = from.limit;
  if (typeof from.max_series === 'number') read.max_series = from.max_series;
  return read;
}

// --- Files

/** What an exported file holds. */
interface BoardFile {
  format: 'iobeam-board';
  version: 1;
  name: string;
  board: Board;
}

export function exportBoard(name: string, board: Board): string {
  const file: BoardFile = { format: 'iobeam-board', version: 1, name, board };
  return `${JSON.stringify(file, null, 2)}\n`;
}

/** A board from an exported file, or from a bare board as the API gives it. */
export function importBoard(text: string): Read<{ name: string; board: Board }> {
  let input: unknown;
  try {
    input = JSON.parse(text);
  } catch (error) {
    return { problems: [`The file is not JSON: ${error instanceof Error ? error.message : String(error)}`] };
  }
  const file = (typeof input === 'object' && input !== null ? input : {}) as Unknown;
  if (file.format === 'iobeam-board' && file.version !== 1) {
    return { problems: ['version: this file is of a later version; update the server to read it'] };
  }
  const inside = file.board ?? input;
  const read = readBoard(inside);
  if (read.problems) return read;
  const name = typeof file.name === 'string' && file.name.trim() ? file.name.trim().slice(0, 100) : 'Imported board';
  return { value: { name, board: read.value } };
}
