// Series of different times over one axis, as the drawing wants them: one list of all times, and for each series a
// value at each time. `null` is a gap; `undefined` says that this series has nothing there and is drawn past.

import type { Points } from './gaps';

export type Cell = number | null | undefined;

/** All times in order, and each series' cells at them. */
export class Aligned {
  times: number[] = [];
  columns: Cell[][];

  constructor(columns: number) {
    this.columns = Array.from({ length: columns }, () => []);
  }

  /** Series, each with its times in order. */
  static of(series: readonly Points[]): Aligned {
    const all = new Aligned(series.length);
    const first = series[0];
    if (first === undefined) return all;
    if (series.every((one) => same(one.times, first.times))) {
      all.times = first.times.slice();
      all.columns = series.map((one) => one.values.slice());
      return all;
    }
    all.times = merged(series.map((one) => one.times));
    all.columns = series.map((one) => spread(one, all.times));
    return all;
  }

  /** Adds one value. Cheap when its time is the newest, which it is for devices that are heard live. */
  add(column: number, time: number, value: Cell): void {
    const cells = this.columns[column];
    if (cells === undefined) return;
    const last = this.times[this.times.length - 1];
    if (last === undefined || time > last) {
      this.times.push(time);
      // Where a column is in a gap it stays in it until its next value.
      for (const other of this.columns) other.push(other[other.length - 1] === null ? null : undefined);
      cells[cells.length - 1] = value;
      if (value === null) widen(cells, cells.length - 1);
      return;
    }
    const place = this.place(time);
    if (this.times[place] !== time) {
      this.times.splice(place, 0, time);
      for (const other of this.columns) other.splice(place, 0, other[place - 1] === null || other[place] === null ? null : undefined);
    }
    cells[place] = value;
    if (value === null) widen(cells, place);
  }

  /** Forgets what is before a time, but for one row, so that a line still comes in from the left edge. */
  forget(before: number): void {
    const keep = this.place(before) - 1;
    // Moving arrays costs; it waits until an eighth of them can go at once.
    if (keep <= this.times.length / 8) return;
    this.times.splice(0, keep);
    for (const cells of this.columns) cells.splice(0, keep);
  }

  /** The newest time at which a column holds a number. */
  lastTime(column: number): number | undefined {
    const cells = this.columns[column] ?? [];
    for (let at = cells.length - 1; at >= 0; at -= 1) if (typeof cells[at] === 'number') return this.times[at];
    return undefined;
  }

  /** The first place whose time is not before this one. */
  place(time: number): number {
    let low = 0;
    let high = this.times.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.times[middle] ?? 0) < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function same(one: readonly number[], other: readonly number[]): boolean {
  if (one === other) return true;
  if (one.length !== other.length) return false;
  for (let at = 0; at < one.length; at += 1) if (one[at] !== other[at]) return false;
  return true;
}

function merged(lists: readonly (readonly number[])[]): number[] {
  const total = lists.reduce((sum, list) => sum + list.length, 0);
  const all = new Float64Array(total);
  let at = 0;
  for (const list of lists) {
    all.set(list, at);
    at += list.length;
  }
  all.sort();
  const unique: number[] = [];
  for (const time of all) if (time !== unique[unique.length - 1]) unique.push(time);
  return unique;
}

function spread(points: Points, times: readonly number[]): Cell[] {
  const cells: Cell[] = new Array<Cell>(times.length).fill(undefined);
  let row = 0;
  for (let at = 0; at < points.times.length; at += 1) {
    while ((times[row] ?? Infinity) < (points.times[at] ?? 0)) row += 1;
    cells[row] = points.values[at] ?? null;
  }
  for (let at = 0; at < cells.length; at += 1) if (cells[at] === null) at = widen(cells, at);
  return cells;
}

/** A gap reaches from a value to the next one, also over the times of other series between them. Gives its last place. */
function widen(cells: Cell[], place: number): number {
  for (let at = place - 1; at >= 0 && cells[at] === undefined; at -= 1) cells[at] = null;
  let last = place;
  while (last + 1 < cells.length && (cells[last + 1] === undefined || cells[last + 1] === null)) {
    last += 1;
    cells[last] = null;
  }
  return last;
}
