// How long a bucket of time should be, so that a chart shows as much as its pixels can.

import { durationText, UNITS } from './duration';

const { s, m, h, d, w } = UNITS;

/** The lengths that people count in. */
export const STEPS: readonly number[] = [
  s, 2 * s, 5 * s, 10 * s, 15 * s, 30 * s, m, 2 * m, 5 * m, 10 * m, 15 * m, 30 * m,
  h, 2 * h, 3 * h, 6 * h, 12 * h, d, 2 * d, w, 2 * w, 4 * w, 13 * w, 26 * w, 52 * w,
];

/** The shortest of the lengths at which a span has at most that many buckets. */
export function bucketFor(length: number, buckets: number): number {
  const least = length / Math.max(1, Math.floor(buckets));
  return STEPS.find((step) => step >= least) ?? STEPS[STEPS.length - 1] ?? w;
}

/** How many buckets a chart of that width can show: lines one every other pixel, bars one each ten. */
export function bucketsOn(width: number, kind: 'line' | 'points' | 'bars'): number {
  return Math.max(10, Math.floor(width / (kind === 'bars' ? 10 : 2)));
}

/** The lengths worth offering for a span: from about 2000 buckets to 2. */
export function choices(length: number): string[] {
  return STEPS.filter((step) => length / step <= 2000 && length / step >= 2).map(durationText);
}
