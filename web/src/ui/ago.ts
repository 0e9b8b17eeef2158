/** How long ago, or how soon, in few words. */
const steps: [number, Intl.RelativeTimeFormatUnit][] = [
  [60, 'second'],
  [60, 'minute'],
  [24, 'hour'],
  [45, 'day'],
  [12, 'month'],
  [Infinity, 'year'],
];
const words = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });

export function ago(time: number, now: number = Date.now()): string {
  let distance = (time - now) / 1000;
  if (Math.abs(distance) < 10) return 'just now';
  for (const [size, unit] of steps) {
    // What is past is told by whole units, what is to come to the nearest.
    if (Math.abs(distance) < size) return words.format(distance > 0 ? Math.round(distance) : Math.trunc(distance), unit);
    distance /= unit === 'day' ? 30.44 : size;
  }
  return '';
}

/** A moment as the API writes it (`2016-07-29T08:19:47Z`, `2016-08-28 17:25:31 +0000`) in milliseconds. */
export function moment(text: string | null | undefined): number | null {
  if (!text) return null;
  const time = Date.parse(text.replace(/^(\S+) (\S+) ([+-]\d\d)(\d\d)$/, '$1T$2$3:$4'));
  return Number.isNaN(time) ? null : time;
}
