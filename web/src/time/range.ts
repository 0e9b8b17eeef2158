// Ranges of time: as they are kept (two expressions), and as they are asked for (two instants).

import { durationWords } from './duration';
import { spanText } from './format';
import { isRelative, kept, momentOf, offsetOf } from './moment';
import type { Zone } from './zone';

/** A range as addresses and dashboards keep it: `now-1h` to `now`, or two ISO 8601 times. */
export interface TimeRange {
  from: string;
  to: string;
}

/** A range as it is asked for: milliseconds since 1970, the right side not included. */
export interface Span {
  from: number;
  to: number;
}

/** What a page shows before anybody chose. */
export const DEFAULT_RANGE: TimeRange = { from: 'now-1h', to: 'now' };

/** The instants of a range; null when a side is no time or nothing lies between them. */
export function spanOf(range: TimeRange, now: number, zone: Zone): Span | null {
  const from = momentOf(range.from, 'from', now, zone);
  const to = momentOf(range.to, 'to', now, zone);
  return from === null || to === null || from >= to ? null : { from, to };
}

/** The instants of a range, or those of the default when it has none. */
export function spanOrDefault(range: TimeRange, now: number, zone: Zone): Span {
  return spanOf(range, now, zone) ?? { from: now - 3_600_000, to: now };
}

/** Two instants as a range that stays where it is. */
export function fixed(span: Span): TimeRange {
  return { from: kept(span.from), to: kept(span.to) };
}

/** Whether a range ends now, so that new readings belong to it. */
export function endsNow(range: TimeRange): boolean {
  return range.to.trim() === 'now';
}

/** Whether a range moves as time goes by. */
export function moves(range: TimeRange): boolean {
  return isRelative(range.from) || isRelative(range.to);
}

/** A choice of the picker. */
export interface Preset extends TimeRange {
  label: string;
}

/** The choices of the picker: backwards from now, and by the calendar. */
export const PRESETS: { label: string; presets: Preset[] }[] = [
  {
    label: 'Until now',
    presets: [
      { label: 'Last 5 minutes', from: 'now-5m', to: 'now' },
      { label: 'Last 15 minutes', from: 'now-15m', to: 'now' },
      { label: 'Last hour', from: 'now-1h', to: 'now' },
      { label: 'Last 6 hours', from: 'now-6h', to: 'now' },
      { label: 'Last 24 hours', from: 'now-24h', to: 'now' },
      { label: 'Last 7 days', from: 'now-7d', to: 'now' },
      { label: 'Last 30 days', from: 'now-30d', to: 'now' },
      { label: 'Last year', from: 'now-1y', to: 'now' },
    ],
  },
  {
    label: 'Calendar',
    presets: [
      { label: 'Today', from: 'now/d', to: 'now/d' },
      { label: 'Yesterday', from: 'now-1d/d', to: 'now-1d/d' },
      { label: 'This week', from: 'now/w', to: 'now/w' },
      { label: 'Last week', from: 'now-1w/w', to: 'now-1w/w' },
      { label: 'This month', from: 'now/M', to: 'now/M' },
      { label: 'Last month', from: 'now-1M/M', to: 'now-1M/M' },
      { label: 'This year', from: 'now/y', to: 'now/y' },
      { label: 'Today so far', from: 'now/d', to: 'now' },
    ],
  },
];

/** A range in words: a preset's label, `Last 90 minutes`, or its instants. */
export function rangeText(range: TimeRange, now: number, zone: Zone): string {
  for (const group of PRESETS) {
    for (const preset of group.presets) {
      if (preset.from === range.from && preset.to === range.to) return preset.label;
    }
  }
  const offset = offsetOf(range.from);
  if (endsNow(range) && offset !== null) return `Last ${durationWords(offset).replace(/^1 (\w+)$/, '$1')}`;
  const span = spanOf(range, now, zone);
  return span ? spanText(span.from, span.to, zone) : `${range.from} – ${range.to}`;
}
