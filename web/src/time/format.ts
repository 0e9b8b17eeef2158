// Times as text: year-month-day, 24 hours, the same in every place, as digits in columns are compared by eye.

import { durationWords } from './duration';
import { wallOf, type Wall, type Zone } from './zone';

const two = (number: number) => String(number).padStart(2, '0');

function year(wall: Wall): string {
  return wall.year < 0 ? `-${String(-wall.year).padStart(6, '0')}` : String(wall.year).padStart(4, '0');
}

/** `2026-11-22`. */
export function dateText(ms: number, zone: Zone): string {
  const wall = wallOf(ms, zone);
  return `${year(wall)}-${two(wall.month)}-${two(wall.day)}`;
}

/** `14:03`, `14:03:05` or `14:03:05.123`, as much as there is. */
export function clockText(ms: number, zone: Zone): string {
  const wall = wallOf(ms, zone);
  const seconds = wall.second || wall.ms ? `:${two(wall.second)}` : '';
  const millis = wall.ms ? `.${String(wall.ms).padStart(3, '0')}` : '';
  return `${two(wall.hour)}:${two(wall.minute)}${seconds}${millis}`;
}

/** `2026-11-22 14:03:05.123`, with as much of the clock as there is; what the fields for times show and take. */
export function momentText(ms: number, zone: Zone): string {
  return beyond(ms) ? String(ms) : `${dateText(ms, zone)} ${clockText(ms, zone)}`;
}

/** `2026-11-22 14:03:05.123`, always whole, for columns of tables. */
export function exactText(ms: number, zone: Zone): string {
  if (beyond(ms)) return String(ms);
  const wall = wallOf(ms, zone);
  return `${dateText(ms, zone)} ${two(wall.hour)}:${two(wall.minute)}:${two(wall.second)}.${String(wall.ms).padStart(3, '0')}`;
}

/** `2026-11-22 14:03:05`, for readouts. */
export function secondText(ms: number, zone: Zone): string {
  return beyond(ms) ? String(ms) : exactText(ms, zone).slice(0, -4);
}

/** Beyond what a calendar of this browser reaches. */
function beyond(ms: number): boolean {
  return Number.isNaN(new Date(ms).getTime());
}

/** From one moment to another; the date is not repeated within a day. */
export function spanText(from: number, to: number, zone: Zone): string {
  const same = dateText(from, zone) === dateText(to, zone);
  return `${momentText(from, zone)} – ${same ? clockText(to, zone) : momentText(to, zone)}`;
}

/** `now`, `5 seconds ago`, `3 minutes ago`, `2 days ago`, `in 4 minutes`. By its largest unit. */
export function agoText(ms: number, now: number): string {
  const distance = now - ms;
  const size = Math.abs(distance);
  if (size < 1000) return 'now';
  const words = durationWords(size).split(' ').slice(0, 2).join(' ');
  return distance > 0 ? `${words} ago` : `in ${words}`;
}

/** A reading's number: as many digits as it has, without the noise of binary fractions. */
export function numberText(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (Number.isInteger(value) && Math.abs(value) < 1e17) return value.toLocaleString('en-US');
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e17)) return value.toExponential(4).replace(/\.?0+e/, 'e');
  return String(Number(value.toPrecision(6)));
}

/** A number of things: `12,480`, `1.2 M`. */
export function countText(count: number): string {
  if (count < 1e6) return Math.round(count).toLocaleString('en-US');
  for (const [size, letter] of [[1e9, 'G'], [1e6, 'M']] as const) {
    if (count >= size) return `${Number((count / size).toPrecision(3))}\u202f${letter}`;
  }
  return String(count);
}

/** A number of bytes: `1.4 MB`. */
export function bytesText(bytes: number): string {
  for (const [size, unit] of [[1e12, 'TB'], [1e9, 'GB'], [1e6, 'MB'], [1e3, 'kB']] as const) {
    if (bytes >= size) return `${Number((bytes / size).toPrecision(3))}\u202f${unit}`;
  }
  return `${bytes}\u202fB`;
}
