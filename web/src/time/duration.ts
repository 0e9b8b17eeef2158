// Lengths of time as people write them: `15m`, `2h`, `1d`.

/** One unit's length in milliseconds. */
export const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

export type Unit = keyof typeof UNITS;

const WORDS: Record<string, Unit> = {
  ms: 'ms', millisecond: 'ms', milliseconds: 'ms',
  s: 's', sec: 's', secs: 's', second: 's', seconds: 's',
  m: 'm', min: 'm', mins: 'm', minute: 'm', minutes: 'm',
  h: 'h', hr: 'h', hrs: 'h', hour: 'h', hours: 'h',
  d: 'd', day: 'd', days: 'd',
  w: 'w', week: 'w', weeks: 'w',
};

/** The milliseconds of `15m`, `1h 30m`, `2 hours`; null when it is none. */
export function parseDuration(text: string): number | null {
  const parts = [...text.trim().toLowerCase().matchAll(/(\d+(?:\.\d+)?)\s*([a-z]+)\s*/gy)];
  if (parts.length === 0 || parts.map((part) => part[0]).join('') !== text.trim().toLowerCase()) return null;
  let total = 0;
  for (const [, number, word] of parts) {
    const unit = WORDS[word ?? ''];
    if (unit === undefined) return null;
    total += Number(number) * UNITS[unit];
  }
  return total;
}

/** In the largest unit that divides it: `15m`, `90s`, `1d`; the form that the API takes. */
export function durationText(ms: number): string {
  for (const unit of ['w', 'd', 'h', 'm', 's'] as const) {
    if (ms >= UNITS[unit] && ms % UNITS[unit] === 0) return `${ms / UNITS[unit]}${unit}`;
  }
  return `${Math.round(ms)}ms`;
}

const NAMES: [Unit, string, string][] = [
  ['w', 'week', 'weeks'],
  ['d', 'day', 'days'],
  ['h', 'hour', 'hours'],
  ['m', 'minute', 'minutes'],
  ['s', 'second', 'seconds'],
];

/** In words, by its largest unit and the next: `1 hour 30 minutes`. */
export function durationWords(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const words: string[] = [];
  let rest = ms;
  for (const [unit, one, many] of NAMES) {
    const count = Math.floor(rest / UNITS[unit]);
    if (count > 0) words.push(`${count} ${count === 1 ? one : many}`);
    else if (words.length > 0) break;
    rest -= count * UNITS[unit];
    if (words.length === 2) break;
  }
  return words.join(' ');
}

/** Short, for badges and narrow columns: `1h 30m`, `250ms`. */
export function durationShort(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}ms`;
  const parts: string[] = [];
  let rest = ms;
  for (const unit of ['w', 'd', 'h', 'm', 's'] as const) {
    const count = Math.floor(rest / UNITS[unit]);
    if (count > 0) parts.push(`${count}${unit}`);
    else if (parts.length > 0) break;
    rest -= count * UNITS[unit];
    if (parts.length === 2) break;
  }
  return parts.join(' ');
}
