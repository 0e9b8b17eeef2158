// Moving about in time: closer, farther, earlier, later.

import type { Span } from './range';

/** The shortest span one can come to: a few milliseconds, below which rows of one device no longer differ. */
export const SHORTEST = 10;
/** The longest: the years that calendars of browsers reach, with room at both ends. */
const EDGE = 8.6e15;

/** A span whose ends are whole milliseconds, in order, far enough apart and within the calendar. */
export function sound(span: Span): Span {
  let from = Math.floor(Math.min(span.from, span.to));
  let to = Math.ceil(Math.max(span.from, span.to));
  if (to - from < SHORTEST) {
    from = Math.floor((from + to - SHORTEST) / 2);
    to = from + SHORTEST;
  }
  return { from: Math.max(from, -EDGE), to: Math.min(to, EDGE) };
}

/** Around a moment that stays where it is on the screen; a factor below 1 comes closer. */
export function zoom(span: Span, factor: number, around = (span.from + span.to) / 2): Span {
  return sound({ from: around - (around - span.from) * factor, to: around + (span.to - around) * factor });
}

/** Later by a part of its length; earlier, when that is below 0. */
export function pan(span: Span, part: number): Span {
  const by = Math.round((span.to - span.from) * part);
  return sound({ from: span.from + by, to: span.to + by });
}

/** Later by so many milliseconds. */
export function shift(span: Span, by: number): Span {
  return sound({ from: span.from + Math.round(by), to: span.to + Math.round(by) });
}
