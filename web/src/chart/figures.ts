// What can be said of a series in five numbers; the table that goes with each chart shows them.

/** Of the values that are there; null where there is none. */
export interface Figures {
  count: number;
  min: number | null;
  max: number | null;
  mean: number | null;
  last: number | null;
  lastTime: number | null;
}

/** One pass over a series; `mins` and `maxs`, where it was thinned out, hold its true extremes. */
export function figuresOf(
  times: readonly number[],
  values: readonly (number | null | undefined)[],
  mins?: readonly (number | null)[],
  maxs?: readonly (number | null)[],
): Figures {
  const found: Figures = { count: 0, min: null, max: null, mean: null, last: null, lastTime: null };
  let sum = 0;
  for (let at = 0; at < values.length; at += 1) {
    const value = values[at];
    if (value === null || value === undefined) continue;
    const low = mins?.[at] ?? value;
    const high = maxs?.[at] ?? value;
    found.count += 1;
    sum += value;
    if (found.min === null || low < found.min) found.min = low;
    if (found.max === null || high > found.max) found.max = high;
    found.last = value;
    found.lastTime = times[at] ?? null;
  }
  if (found.count > 0) found.mean = sum / found.count;
  return found;
}
