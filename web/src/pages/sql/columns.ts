// What the columns of an answer hold, and what of it can be drawn.

import type { Cell, SqlAnswer } from '../../api/query';
import type { ChartSeries } from '../../chart/series';

export type Holds = 'time' | 'number' | 'truth' | 'text';

/** What each column holds: by its type if the server says it, else by its name and values. */
export function holdsOf(answer: SqlAnswer): Holds[] {
  return answer.fields.map((name, at) => {
    const type = answer.types?.[at];
    if (type) {
      if (type === 'TIMESTAMP' || type === 'DATE') return 'time';
      if (type === 'LONG' || type === 'DOUBLE' || type === 'DECIMAL') return 'number';
      if (type === 'BOOLEAN') return 'truth';
      return 'text';
    }
    const values = answer.values.slice(0, 200).map((row) => row[at]).filter((value) => value !== null && value !== undefined);
    const all = (kind: string) => values.length > 0 && values.every((value) => typeof value === kind);
    // A name that speaks of time, over whole numbers that are microseconds of 2001 to 2096.
    const recent = values.every((value) => Number.isInteger(value) && Number(value) > 1e15 && Number(value) < 4e15);
    if (all('number') && (name === 'time' || (/time|hour|day|week|month|minute|bucket|date|_at$|first|last|now/i.test(name) && recent))) return 'time';
    return all('number') ? 'number' : all('boolean') ? 'truth' : 'text';
  });
}

/** An answer as series over time: its first time against each number, apart by its first text. */
export interface Drawable {
  series: ChartSeries[];
  from: number;
  to: number;
}

const MOST_SERIES = 40;

/** The series of an answer; null if it has no time or no number. */
export function drawableOf(answer: SqlAnswer, holds: readonly Holds[]): Drawable | null {
  const time = holds.indexOf('time');
  const numbers = holds.flatMap((kind, at) => (kind === 'number' ? [at] : []));
  if (time < 0 || numbers.length === 0 || answer.values.length === 0) return null;
  const by = holds.indexOf('text');
  const found = new Map<string, { label: string; points: [number, number | null][] }>();
  for (const row of answer.values) {
    const at = instantOf(row[time]);
    if (at === null) continue;
    for (const column of numbers) {
      const owner = by < 0 ? '' : String(row[by] ?? '');
      const key = `${owner} ${column}`;
      let one = found.get(key);
      if (!one) {
        if (found.size === MOST_SERIES) continue;
        const field = answer.fields[column] ?? '';
        one = { label: by < 0 ? field : numbers.length === 1 ? owner : `${owner} · ${field}`, points: [] };
        found.set(key, one);
      }
      one.points.push([at, numberOf(row[column])]);
    }
  }
  const series = [...found].map(([key, { label, points }]) => {
    points.sort(([one], [other]) => one - other);
    return { key, label, times: points.map(([at]) => at), values: points.map(([, value]) => value) };
  });
  const starts = series.map((one) => one.times[0] ?? Infinity);
  const ends = series.map((one) => one.times[one.times.length - 1] ?? -Infinity);
  const [from, to] = [Math.min(...starts), Math.max(...ends)];
  return Number.isFinite(from) && to > from ? { series, from, to } : null;
}

/** Milliseconds: of microseconds, or of a date as text. */
function instantOf(value: Cell | undefined): number | null {
  if (typeof value === 'number') return value / 1000;
  const parsed = typeof value === 'string' ? Date.parse(value) : NaN;
  return Number.isNaN(parsed) ? null : parsed;
}

function numberOf(value: Cell | undefined): number | null {
  if (typeof value === 'number') return value;
  const number = typeof value === 'string' ? Number(value) : NaN;
  return Number.isFinite(number) ? number : null;
}
