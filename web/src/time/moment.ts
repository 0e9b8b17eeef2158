// A moment as people write it, and as addresses and dashboards keep it.
//
//   now · now-1h · now-1d/d                      relative; `/d` is the day's start (or end, on the right side)
//   2026-11-22 14:00 · 14:00 · yesterday 9:30    typed; in the zone on screen
//   15m · 2 hours ago · last monday              typed; kept as one of the above
//   2026-11-22T13:00:00Z · 1795356000000         absolute; kept as the first

import { parseDuration, durationText, UNITS } from './duration';
import { instantOf, plus, startOf, wallOf, weekday, type CalendarUnit, type Zone } from './zone';

/** Which side of a range a moment stands on: a whole day is its start on the left, its end on the right. */
export type Side = 'from' | 'to';

const RELATIVE = /^now((?:\s*[+-]\s*\d+\s*(?:ms|s|m|h|d|w|M|y))*)\s*(?:\/\s*([smhdwMy]))?$/;
const STEP = /([+-])\s*(\d+)\s*(ms|s|m|h|d|w|M|y)/g;

/** Whether this is `now` with offsets, which moves as time goes by. */
export function isRelative(expression: string): boolean {
  return RELATIVE.test(expression.trim());
}

/** The instant that an expression (in the form that is kept) stands for; null when it is none. */
export function momentOf(expression: string, side: Side, now: number, zone: Zone): number | null {
  const text = expression.trim();
  const relative = RELATIVE.exec(text);
  if (relative) {
    let instant = now;
    for (const [, sign, count, unit] of (relative[1] ?? '').matchAll(STEP)) {
      const steps = Number(count) * (sign === '-' ? -1 : 1);
      instant = unit === 'ms' ? instant + steps : plus(instant, steps, unit as CalendarUnit, zone);
    }
    const whole = relative[2] as CalendarUnit | undefined;
    if (whole === undefined) return inBounds(instant);
    const start = startOf(instant, whole, zone);
    return inBounds(side === 'from' ? start : plus(start, 1, whole, zone));
  }
  return absolute(text);
}

function absolute(text: string): number | null {
  if (/^-?\d{5,16}$/.test(text)) return inBounds(Number(text));
  if (!/^[+-]?\d{4,6}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)$/.test(text)) return null;
  return inBounds(Date.parse(text));
}

function inBounds(ms: number): number | null {
  return Number.isFinite(ms) && Math.abs(ms) <= 8.64e15 ? ms : null;
}

/** An instant in the form that is kept: exact, and the same in every zone. */
export function kept(ms: number): string {
  return new Date(Math.round(ms)).toISOString().replace('.000Z', 'Z');
}

const DAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];

/** What was typed, in the form that is kept; null when it is no time. */
export function parseMoment(typed: string, side: Side, now: number, zone: Zone): string | null {
  const text = typed.trim().replace(/\s+/g, ' ');
  const lower = text.toLowerCase();
  const inSeconds = seconds(lower);
  if (inSeconds !== null) return inSeconds;
  const instant = momentOf(text, side, now, zone);
  if (instant !== null) return isRelative(text) ? text.replaceAll(' ', '') : kept(instant);
  return back(lower) ?? named(lower, side, now, zone) ?? calendar(lower, side, now, zone);
}

/** `15m`, `-15m`, `15 minutes ago`, `in 2h`. */
function back(text: string): string | null {
  const ahead = /^(?:in |\+)(.+)$/.exec(text);
  const amount = (ahead?.[1] ?? text.replace(/^-\s*/, '').replace(/ ago$/, '')).trim();
  const ms = parseDuration(amount);
  if (ms === null || !Number.isInteger(ms)) return null;
  return ms === 0 ? 'now' : `now${ahead ? '+' : '-'}${durationText(ms)}`;
}

/** Ten digits are seconds since 1970. */
function seconds(text: string): string | null {
  return /^\d{9,10}(\.\d+)?$/.test(text) ? kept(Number(text) * 1000) : null;
}

/** `today`, `yesterday 14:00`, `monday`, and bare clock times, which are today's. */
function named(text: string, side: Side, now: number, zone: Zone): string | null {
  const match = /^(?:(today|yesterday|tomorrow|(?:last )?[a-z]+day)(?:[ ,]+|$))?(.*)$/.exec(text);
  const [, name, rest = ''] = match ?? [];
  if (name === undefined && rest === '') return null;
  const clock = rest === '' ? null : clockOf(rest);
  if (rest !== '' && clock === null) return null;
  if (name !== undefined && rest === '' && !name.endsWith('onday')) {
    if (name === 'today') return 'now/d';
    if (name === 'yesterday') return 'now-1d/d';
  }
  const day = name === undefined ? startOf(now, 'd', zone) : dayNamed(name, now, zone);
  if (day === null) return null;
  if (clock === null) return kept(side === 'from' ? day : plus(day, 1, 'd', zone));
  return kept(instantOf({ ...wallOf(day, zone), ...clock }, zone));
}

function dayNamed(name: string, now: number, zone: Zone): number | null {
  const today = startOf(now, 'd', zone);
  if (name === 'today') return today;
  if (name === 'yesterday') return plus(today, -1, 'd', zone);
  if (name === 'tomorrow') return plus(today, 1, 'd', zone);
  const wanted = DAYS.indexOf(name.replace('last ', '')) + 1;
  if (wanted === 0) return null;
  const behind = (weekday(wallOf(today, zone)) - wanted + 7) % 7;
  return plus(today, -(behind === 0 && name.startsWith('last') ? 7 : behind), 'd', zone);
}

interface Clock { hour: number; minute: number; second: number; ms: number }

/** `14:00`, `14:00:05.5`, `2pm`, `2:30 pm`. */
function clockOf(text: string): Clock | null {
  const match = /^t?(\d{1,2})(?::(\d\d)(?::(\d\d)(?:[.,](\d{1,3})\d*)?)?)? ?(am|pm)?$/.exec(text.trim());
  if (!match || (match[2] === undefined && match[5] === undefined)) return null;
  const [hours, minute, second] = [Number(match[1]), Number(match[2] ?? 0), Number(match[3] ?? 0)];
  const hour = match[5] === undefined ? hours : (hours % 12) + (match[5] === 'pm' ? 12 : 0);
  if (hour > 24 || minute > 59 || second > 59 || (match[5] !== undefined && (hours > 12 || hours === 0))) return null;
  return { hour, minute, second, ms: Number((match[4] ?? '0').padEnd(3, '0')) };
}

/** `2026-11-22`, `2026-11`, `2026`, `22.11.2026`, `2026/11/22`, each with a clock time or without. */
function calendar(text: string, side: Side, now: number, zone: Zone): string | null {
  const iso = /^(-?\d{4,6})(?:[-/](\d{1,2})(?:[-/](\d{1,2}))?)?(?:[t ,]+(.+))?$/.exec(text);
  const dotted = /^(\d{1,2})\.(\d{1,2})\.(\d{4})?(?:[t ,]+(.+))?$/.exec(text);
  const [year, month, day, rest] = dotted
    ? [dotted[3] ?? String(wallOf(now, zone).year), dotted[2], dotted[1], dotted[4]]
    : [iso?.[1], iso?.[2], iso?.[3], iso?.[4]];
  if (year === undefined) return null;
  const clock = rest === undefined ? null : clockOf(rest);
  if (rest !== undefined && (clock === null || day === undefined)) return null;
  const wall = { year: Number(year), month: Number(month ?? 1), day: Number(day ?? 1), hour: 0, minute: 0, second: 0, ms: 0 };
  const start = instantOf({ ...wall, ...clock }, zone);
  const back = wallOf(instantOf(wall, zone), zone);
  if (Number.isNaN(start) || back.month !== wall.month || back.day !== wall.day) return null;
  if (clock !== null || side === 'from') return kept(start);
  return kept(plus(start, 1, day !== undefined ? 'd' : month !== undefined ? 'M' : 'y', zone));
}

/** The largest unit in which an offset is whole, for sentences: `now-90m` is 90 minutes. */
export function offsetOf(expression: string): number | null {
  const match = /^now-(\d+)(ms|s|m|h|d|w)$/.exec(expression.trim());
  return match ? Number(match[1]) * UNITS[match[2] as keyof typeof UNITS] : null;
}
