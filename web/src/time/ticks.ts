// Where an axis of time has its marks, and what stands there.

import { UNITS } from './duration';
import { plus, startOf, wallOf, type CalendarUnit, type Zone } from './zone';

interface Step {
  ms: number;
  unit: CalendarUnit | 'ms';
  count: number;
}

const step = (unit: CalendarUnit | 'ms', ms: number, ...counts: number[]): Step[] =>
  counts.map((count) => ({ ms: ms * count, unit, count }));

const { s, m, h, d } = UNITS;
const STEPS: Step[] = [
  ...step('ms', 1, 1, 2, 5, 10, 20, 50, 100, 200, 500),
  ...step('s', s, 1, 2, 5, 10, 15, 30),
  ...step('m', m, 1, 2, 5, 10, 15, 30),
  ...step('h', h, 1, 2, 3, 6, 12),
  ...step('d', d, 1, 2, 7),
  ...step('M', 30.4 * d, 1, 2, 3, 6),
  ...step('y', 365.25 * d, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 50_000, 100_000),
];

/** A mark and its text. `major` ones begin a day, a month or a year, and say so. */
export interface Tick {
  at: number;
  label: string;
  major: boolean;
}

/** The marks of an axis that is so many pixels wide, at least `room` pixels apart: closer where there are few. */
export function ticks(from: number, to: number, width: number, zone: Zone, room = width < 480 ? 56 : 84): Tick[] {
  if (!(to > from) || width <= 0) return [];
  const least = ((to - from) / width) * room;
  const chosen = STEPS.find((step) => step.ms >= least) ?? STEPS[STEPS.length - 1];
  if (!chosen) return [];
  const found = places(from, to, chosen, zone);
  return found.map((at, index) => ({ at, ...label(at, found[index - 1], chosen, zone) }));
}

function places(from: number, to: number, chosen: Step, zone: Zone): number[] {
  const found: number[] = [];
  if (chosen.unit === 'ms') {
    for (let at = Math.ceil(from / chosen.ms) * chosen.ms; at <= to; at += chosen.ms) found.push(at);
    return found;
  }
  let at = first(from, chosen, zone);
  // A clock change can put a step of hours on the same place twice; the count keeps the loop from hanging on it.
  for (let turns = 0; at <= to && turns < 2000; turns += 1) {
    if (at >= from && at !== found[found.length - 1]) found.push(at);
    at = next(at, chosen, zone);
  }
  return found;
}

/** The last mark at or before the left edge. */
function first(from: number, chosen: Step, zone: Zone): number {
  const { unit, count } = chosen;
  const wall = wallOf(from, zone);
  const down = (value: number) => value - (((value % count) + count) % count);
  if (unit === 'y') return plus(startOf(from, 'y', zone), down(wall.year) - wall.year, 'y', zone);
  if (unit === 'M') return plus(startOf(from, 'y', zone), down(wall.month - 1), 'M', zone);
  if (unit === 'd') return count === 7 ? startOf(from, 'w', zone) : plus(startOf(from, 'M', zone), down(wall.day - 1), 'd', zone);
  if (unit === 'h') return plus(startOf(from, 'd', zone), down(wall.hour), 'h', zone);
  if (unit === 'm') return startOf(from, 'h', zone) + down(wall.minute) * m;
  return startOf(from, 'm', zone) + down(wall.second) * s;
}

function next(at: number, chosen: Step, zone: Zone): number {
  const { unit, count } = chosen;
  if (unit === 'ms') return at + chosen.ms;
  if (unit === 'd' && count === 2) {
    // By twos within a month, so that marks stay on the same days when one moves along.
    const after = plus(at, 2, 'd', zone);
    const wall = wallOf(after, zone);
    return wall.day <= 2 || wall.day === 31 ? nextMonth(at, zone) : after;
  }
  if (unit === 'h') {
    // Aligned to the day's wall clock, also on a day of 23 or 25 hours.
    const after = at + count * h;
    const midnight = plus(startOf(at, 'd', zone), 1, 'd', zone);
    return after >= midnight || (count > 1 && midnight - after < (count * h) / 2) ? midnight : aligned(after, count, zone);
  }
  return plus(at, count, unit, zone);
}

function nextMonth(at: number, zone: Zone): number {
  return plus(startOf(at, 'M', zone), 1, 'M', zone);
}

function aligned(at: number, count: number, zone: Zone): number {
  const off = wallOf(at, zone).hour % count;
  if (off === 0) return at;
  return off * 2 > count ? at + (count - off) * h : at - off * h;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const two = (number: number) => String(number).padStart(2, '0');

function label(at: number, before: number | undefined, chosen: Step, zone: Zone): { label: string; major: boolean } {
  const wall = wallOf(at, zone);
  const month = MONTHS[wall.month - 1] ?? '';
  const clock = `${two(wall.hour)}:${two(wall.minute)}`;
  const midnight = wall.hour === 0 && wall.minute === 0 && wall.second === 0 && wall.ms === 0;
  switch (chosen.unit) {
    case 'ms':
      return { label: `${clock}:${two(wall.second)}.${String(wall.ms).padStart(3, '0')}`, major: false };
    case 's':
      return midnight ? day() : { label: `${clock}:${two(wall.second)}`, major: false };
    case 'm':
    case 'h':
      return midnight ? day() : { label: clock, major: false };
    case 'd':
      return wall.day === 1 && wall.month === 1 ? { label: String(wall.year), major: true } : day();
    case 'M':
      return wall.month === 1 || before === undefined
        ? { label: wall.month === 1 ? String(wall.year) : `${month} ${wall.year}`, major: wall.month === 1 }
        : { label: month, major: false };
    default:
      return { label: String(wall.year), major: false };
  }
  function day() {
    return { label: `${wall.day} ${month}`, major: chosen.unit !== 'd' || wall.day === 1 };
  }
}
