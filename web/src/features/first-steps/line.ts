/** A line through a few points, for a picture of 600 by 140. */
export interface Point {
  time: number;
  value: number;
}

export function path(points: readonly Point[], width = 600, height = 140): string {
  if (points.length === 0) return '';
  const sorted = [...points].sort((one, other) => one.time - other.time);
  const values = sorted.map((point) => point.value);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const first = sorted[0]!.time;
  const span = sorted.at(-1)!.time - first || 1;
  const room = height * 0.1;
  return sorted
    .map(({ time, value }, at) => {
      const x = ((time - first) / span) * width;
      const y = high === low ? height / 2 : height - room - ((value - low) / (high - low)) * (height - 2 * room);
      return `${at === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`;
    })
    .join('');
}
