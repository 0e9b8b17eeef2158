// Where nothing was heard for long, a line must break: a straight stroke over a night without readings tells of
// readings that do not exist.

/** Times in order and the values at them; null is a gap. */
export interface Points {
  times: number[];
  values: (number | null)[];
}

/** How many times the usual distance is a gap, for rows as they are. */
const LONG = 5;

/**
 * The distance from which on two points are not joined. Buckets are joined with their neighbours only; for rows it is
 * a multiple of their usual distance, which is the median, so that a few long silences do not make it longer.
 */
export function gapOf(times: readonly number[], bucket: number | null): number {
  if (bucket !== null) return bucket * 1.5;
  if (times.length < 3) return Infinity;
  const distances: number[] = [];
  const every = Math.max(1, Math.floor(times.length / 2000));
  for (let at = 1; at < times.length; at += every) {
    const distance = (times[at] ?? 0) - (times[at - 1] ?? 0);
    if (distance > 0) distances.push(distance);
  }
  if (distances.length < 2) return Infinity;
  distances.sort((one, other) => one - other);
  return Math.max((distances[Math.floor(distances.length / 2)] ?? 0) * LONG, 1000);
}

/** The points with a null in each gap. The arrays are new ones only if there is a gap. */
export function withGaps(points: Points, gap: number): Points {
  const { times, values } = points;
  let found = false;
  for (let at = 1; at < times.length && !found; at += 1) found = (times[at] ?? 0) - (times[at - 1] ?? 0) > gap;
  if (!found) return points;
  const apart: Points = { times: [], values: [] };
  for (let at = 0; at < times.length; at += 1) {
    const time = times[at] ?? 0;
    const before = times[at - 1];
    if (before !== undefined && time - before > gap) {
      apart.times.push(before + (time - before) / 2);
      apart.values.push(null);
    }
    apart.times.push(time);
    apart.values.push(values[at] ?? null);
  }
  return apart;
}
