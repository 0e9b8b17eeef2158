// What a chart reads: the values at the cursor, and the newest ones.

import type uPlot from 'uplot';
import type { Aligned } from './aligned';
import type { ChartSeries } from './series';

/** A value that the cursor reads. */
export interface Reading {
  label: string;
  value: number;
  /** The place of its colour. */
  place: number;
  /** The place of its series. */
  column: number;
}

/** All that the cursor reads at a time. */
export interface Readings {
  time: number;
  /** Those nearest to the pointer. */
  rows: Reading[];
  /** How many others there are. */
  more: number;
  /** The values by the place of their series. */
  values: Map<number, number>;
}

/** Readings that fit beside the cursor. */
const MOST_ROWS = 10;
/** Pixels within which a value of another time is shown. */
const REACH_PIXELS = 12;
/** Rows to each side that are looked at for it. */
const REACH_ROWS = 400;
/** Rows from the end that are looked at for the newest value. */
const NEWEST_ROWS = 2000;

/** The values of a row; those of series that are switched off are left out. */
export function readingsAt(
  aligned: Aligned, series: readonly ChartSeries[], u: uPlot, row: number, top: number, shown: (key: string) => boolean,
): Readings | null {
  const time = aligned.times[row];
  if (time === undefined) return null;
  const rows = series.flatMap((one, column) => {
    const own = u.cursor.idxs?.[column + 1] ?? row;
    const value = aligned.columns[column]?.[own];
    if (!shown(one.key) || typeof value !== 'number') return [];
    return [{ label: one.label, value, place: one.place ?? column, column }];
  });
  const middle = u.posToVal(top, 'y');
  const distance = (one: Reading) => Math.abs(one.value - middle);
  const near = rows.length <= MOST_ROWS ? rows : [...rows].sort((one, other) => distance(one) - distance(other)).slice(0, MOST_ROWS);
  return { time, rows: near, more: rows.length - near.length, values: new Map(rows.map((one) => [one.column, one.value])) };
}

/** The newest value of each series, by its place. */
export function newestOf(aligned: Aligned, series: readonly ChartSeries[]): Map<number, number> {
  const found = new Map<number, number>();
  for (const [column] of series.entries()) {
    const cells = aligned.columns[column] ?? [];
    for (let row = cells.length - 1; row >= 0 && row > cells.length - NEWEST_ROWS; row -= 1) {
      const value = cells[row];
      if (typeof value !== 'number') continue;
      found.set(column, value);
      break;
    }
  }
  return found;
}

/** A series without a value at the cursor's row shows its nearest one, if that is near on the screen. */
export function nearest(u: uPlot, place: number, row: number): number {
  const cells = u.data[place];
  if (place === 0 || cells?.[row] != null) return row;
  const times = u.data[0];
  for (let away = 1; away < REACH_ROWS; away += 1) {
    for (const other of [row - away, row + away]) {
      if (cells?.[other] == null) continue;
      const distance = Math.abs(u.valToPos(times[other] ?? 0, 'x') - u.valToPos(times[row] ?? 0, 'x'));
      return distance <= REACH_PIXELS ? other : row;
    }
  }
  return row;
}
