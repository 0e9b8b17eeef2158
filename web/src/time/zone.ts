// Time zones: between an instant (milliseconds since 1970 in UTC) and what clocks on a wall show.

/** `browser`, `UTC`, or a name of the IANA database such as `Europe/Paris`. */
export type Zone = string;

/** What a clock and a calendar on the wall show. Months count from 1, weekdays from 1 (Monday) to 7. */
export interface Wall {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  ms: number;
}

const formats = new Map<string, Intl.DateTimeFormat | null>();

function format(zone: string): Intl.DateTimeFormat | null {
  let found = formats.get(zone);
  if (found === undefined) {
    try {
      found = new Intl.DateTimeFormat('en-US', {
        timeZone: zone, hourCycle: 'h23', era: 'short',
        year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric',
      });
    } catch {
      found = null;
    }
    formats.set(zone, found);
  }
  return found;
}

let own: string | undefined;

/** The browser's own zone, by its IANA name. Asked for once, as asking costs as much as drawing a chart. */
export function browserZone(): string {
  own ??= new Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';
  return own;
}

/** The IANA name of a zone; UTC for one that is not known. */
export function zoneName(zone: Zone | null | undefined): string {
  if (!zone || zone === 'browser') return browserZone();
  if (zone === 'UTC') return zone;
  return isZone(zone) ? zone : 'UTC';
}

/** Whether this browser knows a zone of that name. */
export function isZone(zone: string): boolean {
  return zone === 'browser' || format(zone) !== null;
}

/** All zones that the browser knows, UTC first. */
export function allZones(): string[] {
  const known = typeof Intl.supportedValuesOf === 'function' ? Intl.supportedValuesOf('timeZone') : [browserZone()];
  return ['UTC', ...known.filter((name) => name !== 'UTC' && name !== 'Etc/UTC')];
}

// Offsets change on whole quarters of an hour, so that one look per quarter is enough.
const QUARTER = 900_000;
const offsets = new Map<string, Map<number, number>>();

/** How far a zone's clocks are ahead of UTC at an instant, in milliseconds. */
export function offsetAt(instant: number, zone: Zone): number {
  const name = zoneName(zone);
  if (name === 'UTC') return 0;
  const quarter = Math.floor(instant / QUARTER);
  let known = offsets.get(name);
  if (known === undefined) offsets.set(name, (known = new Map()));
  let offset = known.get(quarter);
  if (offset === undefined) {
    if (known.size > 20_000) known.clear();
    offset = measured(quarter * QUARTER, name);
    known.set(quarter, offset);
  }
  return offset;
}

function measured(instant: number, name: string): number {
  const date = new Date(instant);
  const parts = format(name)?.formatToParts(date);
  if (!parts || Number.isNaN(date.getTime())) return 0;
  const read = (type: string) => parts.find((part) => part.type === type)?.value ?? '0';
  const years = Number(read('year'));
  const year = read('era').startsWith('B') ? 1 - years : years;
  return utc({
    year, month: Number(read('month')), day: Number(read('day')),
    hour: Number(read('hour')), minute: Number(read('minute')), second: Number(read('second')), ms: 0,
  }) - Math.floor(instant / 1000) * 1000;
}

/** The instant at which clocks of UTC show this; members beyond their bounds carry over. */
function utc(wall: Wall): number {
  const date = new Date(0);
  date.setUTCFullYear(wall.year, wall.month - 1, wall.day);
  date.setUTCHours(wall.hour, wall.minute, wall.second, wall.ms);
  return date.getTime();
}

/** What clocks of a zone show at an instant. */
export function wallOf(instant: number, zone: Zone): Wall {
  const date = new Date(instant + offsetAt(instant, zone));
  return {
    year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate(),
    hour: date.getUTCHours(), minute: date.getUTCMinutes(), second: date.getUTCSeconds(), ms: date.getUTCMilliseconds(),
  };
}

/**
 * The instant at which clocks of a zone show this; members beyond their bounds carry over (day 0 is the last of the
 * month before). Of a time that clocks show twice it is the first, of one that they skip the one as far after the skip.
 */
export function instantOf(wall: Wall, zone: Zone): number {
  const shown = utc(wall);
  const before = shown - offsetAt(shown - 86_400_000, zone);
  if (before + offsetAt(before, zone) === shown) return before;
  const after = shown - offsetAt(shown + 86_400_000, zone);
  return after + offsetAt(after, zone) === shown ? after : before;
}

/** 1 for Monday to 7 for Sunday. */
export function weekday(wall: Wall): number {
  return new Date(utc(wall)).getUTCDay() || 7;
}

/** The calendar's units, larger than those of a clock. */
export type CalendarUnit = 's' | 'm' | 'h' | 'd' | 'w' | 'M' | 'y';

/** The start of the second, minute, hour, day, week (Monday), month or year in which an instant lies. */
export function startOf(instant: number, unit: CalendarUnit, zone: Zone): number {
  const wall = wallOf(instant, zone);
  const none = { minute: 0, second: 0, ms: 0 };
  switch (unit) {
    case 's':
      return Math.floor(instant / 1000) * 1000;
    case 'm':
      return instant - wall.second * 1000 - wall.ms;
    case 'h':
      return instant - wall.minute * 60_000 - wall.second * 1000 - wall.ms;
    case 'd':
      return instantOf({ ...wall, hour: 0, ...none }, zone);
    case 'w':
      return instantOf({ ...wall, day: wall.day - weekday(wall) + 1, hour: 0, ...none }, zone);
    case 'M':
      return instantOf({ ...wall, day: 1, hour: 0, ...none }, zone);
    case 'y':
      return instantOf({ ...wall, month: 1, day: 1, hour: 0, ...none }, zone);
  }
}

/** So many units later, by the calendar for days and longer: the same hour of another day, also across a clock change. */
export function plus(instant: number, count: number, unit: CalendarUnit, zone: Zone): number {
  const wall = wallOf(instant, zone);
  switch (unit) {
    case 's':
      return instant + count * 1000;
    case 'm':
      return instant + count * 60_000;
    case 'h':
      return instant + count * 3_600_000;
    case 'd':
      return instantOf({ ...wall, day: wall.day + count }, zone);
    case 'w':
      return instantOf({ ...wall, day: wall.day + 7 * count }, zone);
    case 'M':
      return months(wall, count, zone);
    case 'y':
      return months(wall, 12 * count, zone);
  }
}

/** The 31st, months later, is that month's last day. */
function months(wall: Wall, count: number, zone: Zone): number {
  const month = wall.month + count;
  const last = new Date(utc({ ...wall, month: month + 1, day: 0 })).getUTCDate();
  return instantOf({ ...wall, month, day: Math.min(wall.day, last) }, zone);
}

/** `+02:00`, or `UTC`. */
export function offsetText(instant: number, zone: Zone): string {
  const minutes = Math.round(offsetAt(instant, zone) / 60_000);
  if (minutes === 0) return 'UTC';
  const size = Math.abs(minutes);
  const two = (number: number) => String(number).padStart(2, '0');
  return `UTC${minutes < 0 ? '−' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}
