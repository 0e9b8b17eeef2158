// A month as a calendar on the wall shows it.

import { instantOf, plus, startOf, wallOf, weekday, type Zone } from './zone';

/** One day of the calendar: its number, and when it begins. */
export interface Day {
  day: number;
  month: number;
  at: number;
}

/** The weeks (Monday to Sunday) that hold a month, always six, so that the calendar keeps its height. */
export function weeksOf(year: number, month: number, zone: Zone): Day[][] {
  const wall = { year, month, day: 1, hour: 0, minute: 0, second: 0, ms: 0 };
  const lead = weekday(wallOf(instantOf(wall, zone), zone)) - 1;
  return Array.from({ length: 6 }, (_, week) =>
    Array.from({ length: 7 }, (_, column) => {
      const at = instantOf({ ...wall, day: 1 - lead + week * 7 + column }, zone);
      const shown = wallOf(at, zone);
      return { day: shown.day, month: shown.month, at };
    }),
  );
}

const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'];

/** `November 2026`. */
export function monthText(year: number, month: number): string {
  return `${MONTHS[month - 1] ?? ''} ${year}`;
}

/** The month so many after another. */
export function monthAfter(year: number, month: number, by: number): { year: number; month: number } {
  const count = year * 12 + month - 1 + by;
  return { year: Math.floor(count / 12), month: (((count % 12) + 12) % 12) + 1 };
}

/** Whole days from one to another, whichever comes first: from the start of the first to the end of the second. */
export function days(one: number, other: number, zone: Zone): { from: number; to: number } {
  return { from: startOf(Math.min(one, other), 'd', zone), to: plus(startOf(Math.max(one, other), 'd', zone), 1, 'd', zone) };
}
