// A line without axes, as the path of an SVG.

/** The smallest and largest value of each pixel column, so that 10^5 points become a path of the width's length. */
export function sparkPath(
  times: readonly number[],
  values: readonly (number | null | undefined)[],
  width: number,
  height: number,
  span?: { from: number; to: number },
): string {
  const first = span?.from ?? times[0];
  const last = span?.to ?? times[times.length - 1];
  if (first === undefined || last === undefined) return '';
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (typeof value !== 'number') continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low === Infinity) return '';
  const across = last > first ? width / (last - first) : 0;
  const up = high > low ? (height - 2) / (high - low) : 0;
  const x = (time: number) => (time - first) * across;
  const y = (value: number) => (high > low ? height - 1 - (value - low) * up : height / 2);
  return drawn(times, values, x, y, width);
}

function drawn(
  times: readonly number[],
  values: readonly (number | null | undefined)[],
  x: (time: number) => number,
  y: (value: number) => number,
  width: number,
): string {
  const dense = times.length > 2 * width;
  let path = '';
  let pen = 'M';
  let column = -1;
  let [low, high] = [0, 0];
  const put = (across: number, down: number) => {
    path += `${pen}${across.toFixed(1)} ${down.toFixed(1)}`;
    pen = 'L';
  };
  const flush = () => {
    if (column < 0) return;
    put(column, y(low));
    if (high !== low) put(column, y(high));
    column = -1;
  };
  for (let at = 0; at < times.length; at += 1) {
    const value = values[at];
    if (value === null) {
      flush();
      pen = 'M';
      continue;
    }
    if (value === undefined) continue;
    const across = x(times[at] ?? 0);
    if (!dense) {
      put(across, y(value));
      continue;
    }
    const here = Math.round(across);
    if (here !== column) {
      flush();
      [column, low, high] = [here, value, value];
    }
    if (value < low) low = value;
    if (value > high) high = value;
  }
  flush();
  return path;
}
