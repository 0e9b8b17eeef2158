// Series of a panel, and new rows that join them while they are looked at.

import { isLargeInteger } from '../api/json';
import type { LiveRows } from '../api/live';
import type { Cell, Condition, Series, SeriesAnswer } from '../api/query';
import { fulfils } from '../queries/view';

export type { Cell, Series };
/** What a panel shows: the reply to its question. */
export type Reply = SeriesAnswer;

/**
 * The series with new rows in their places. Those that a row is of are new objects, the others stay as they are.
 *
 * Rows before `from` are left out. A row that is there already (same device, field, time and value) is not added again:
 * the question and the connection may both have seen it.
 */
export function joined(series: readonly Series[], rows: LiveRows, fields: readonly string[], from: number): Series[] {
  const time = rows.fields.indexOf('time');
  const device = rows.fields.indexOf('device_id');
  const changed = new Map<string, Series>();
  const order = [...series];
  const of = (id: string | null, field: string): Series => {
    const key = `${id ?? ''}\n${field}`;
    const known = changed.get(key);
    if (known) return known;
    const at = order.findIndex((one) => one.device_id === id && one.field === field);
    const before = order[at];
    const fresh: Series = before
      ? { ...before, times: before.times.slice(), values: before.values.slice(), exact: before.exact?.slice(), mins: before.mins?.slice(), maxs: before.maxs?.slice() }
      : { device_id: id, field, type: 'DOUBLE', times: [], values: [] };
    if (before) order[at] = fresh;
    else order.push(fresh);
    changed.set(key, fresh);
    return fresh;
  };
  for (const field of fields) {
    const column = rows.fields.indexOf(field);
    if (column < 0) continue;
    for (const row of rows.values) {
      const value = row[column];
      const at = row[time];
      if (value === null || value === undefined || typeof at !== 'number' || at < from) continue;
      insert(of(device < 0 ? null : String(row[device]), field), at, value);
    }
  }
  for (const one of changed.values()) forget(one, from);
  return order;
}

function insert(series: Series, time: number, given: Cell): void {
  const digits = series.type !== 'STRING' && isLargeInteger(given) ? given : null;
  const value = digits === null ? given : Number(digits);
  if (digits !== null) series.exact ??= series.values.map(() => null);
  let place = series.times.length;
  while (place > 0 && (series.times[place - 1] ?? 0) > time) place -= 1;
  for (let before = place - 1; before >= 0 && series.times[before] === time; before -= 1) {
    if (series.values[before] === value && (series.exact?.[before] ?? null) === digits) return;
  }
  series.times.splice(place, 0, time);
  series.values.splice(place, 0, value);
  series.exact?.splice(place, 0, digits);
  const number = typeof value === 'number' ? value : null;
  series.mins?.splice(place, 0, number);
  series.maxs?.splice(place, 0, number);
}

/** Takes away what has left the range, but for one value, so that a line still comes in from the left edge. */
function forget(series: Series, from: number): void {
  let gone = 0;
  while (gone + 1 < series.times.length && (series.times[gone + 1] ?? from) < from) gone += 1;
  if (gone === 0) return;
  series.times.splice(0, gone);
  series.values.splice(0, gone);
  series.exact?.splice(0, gone);
  series.mins?.splice(0, gone);
  series.maxs?.splice(0, gone);
}

/** Those of the rows that fulfil all conditions; a row whose field is missing fulfils none. */
export function fitting(rows: LiveRows, where: readonly Condition[]): LiveRows {
  if (where.length === 0) return rows;
  const columns = where.map((condition) => rows.fields.indexOf(condition.field));
  return { ...rows, values: rows.values.filter((row) => where.every((condition, at) => fulfils(row[columns[at] ?? -1], condition))) };
}

/** The newest value of a series, with its time. */
export function newest(series: Pick<Series, 'times' | 'values' | 'exact'>): { time: number; value: Cell } | null {
  for (let at = series.values.length - 1; at >= 0; at -= 1) {
    const value = series.values[at];
    if (value !== null && value !== undefined) return { time: series.times[at] ?? 0, value: series.exact?.[at] ?? value };
  }
  return null;
}

/** What tells series apart: the device where there are several, the field where there are several. */
export function labels(series: readonly { device_id: string | null; field: string }[]): string[] {
  const devices = new Set(series.map((one) => one.device_id)).size > 1;
  const fields = new Set(series.map((one) => one.field)).size > 1;
  return series.map((one) => {
    if (devices && fields) return `${one.device_id ?? ''} · ${one.field}`;
    return devices ? (one.device_id ?? '') : one.field;
  });
}

export interface Row {
  time: number;
  device: string;
  values: Map<string, Cell>;
}

/** Rows of a table: one for each device and time, newest first. */
export function rowsOf(series: readonly Series[], most: number): Row[] {
  const rows = new Map<string, Row>();
  for (const one of series) {
    // Only the newest can be among the rows that are shown.
    for (let at = Math.max(0, one.times.length - most); at < one.times.length; at += 1) {
      const time = one.times[at] ?? 0;
      const device = one.device_id ?? '';
      const key = `${time}\n${device}`;
      const row = rows.get(key) ?? { time, device, values: new Map<string, Cell>() };
      row.values.set(one.field, one.exact?.[at] ?? one.values[at] ?? null);
      rows.set(key, row);
    }
  }
  return [...rows.values()].sort((a, b) => b.time - a.time || (a.device < b.device ? -1 : 1)).slice(0, most);
}
