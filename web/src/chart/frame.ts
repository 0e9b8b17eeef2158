// How a chart is drawn: what the drawing library is told, from what we are given.
//
//   data columns:  x │ one per series │ then, for series with a band: their mins and maxs
//
// Time is drawn by our own marks (../time/ticks), as the library knows no calendar of other zones.

import type uPlot from 'uplot';
import { numberText } from '../time/format';
import { ticks } from '../time/ticks';
import type { Zone } from '../time/zone';
import { Aligned, type Cell } from './aligned';
import { colourOf, dashOf, faded } from './colours';
import { gapOf, withGaps } from './gaps';
import type { ChartKind, ChartSeries } from './series';

/** Colours and letters of the page, as the drawing needs them by value. */
export interface Look {
  dark: boolean;
  axis: string;
  grid: string;
  ground: string;
  font: string;
}

/** The look of the place where an element stands. */
export function lookOf(element: Element, dark: boolean): Look {
  const style = getComputedStyle(element);
  const read = (name: string, otherwise: string) => style.getPropertyValue(name).trim() || otherwise;
  return {
    dark,
    axis: read('--axis', '#66706f'),
    grid: read('--grid', '#e6e9e7'),
    ground: read('--surface', dark ? '#151d1e' : '#ffffff'),
    font: `12px ${style.fontFamily}`,
  };
}

/** Where the columns of a series are in the data. */
export interface Places {
  band: (number | null)[];
  count: number;
}

/** Which series have a band, and where its two columns are. */
export function placesOf(series: readonly ChartSeries[], kind: ChartKind): Places {
  let count = series.length;
  const band = series.map((one) => {
    if (kind !== 'line' || !one.mins || !one.maxs) return null;
    count += 2;
    return count - 2;
  });
  return { band, count };
}

/** All series over one axis, bands behind them, broken where nothing was heard for long. */
export function alignedOf(series: readonly ChartSeries[], places: Places, kind: ChartKind, bucket: number | null): Aligned {
  const parted = (times: number[], values: (number | null)[]) =>
    kind === 'line' ? withGaps({ times, values }, gapOf(times, bucket)) : { times, values };
  const columns = series.map((one) => parted(one.times, one.values));
  for (const [at, one] of series.entries()) {
    if (places.band[at] === null) continue;
    columns.push(parted(one.times, one.mins ?? []), parted(one.times, one.maxs ?? []));
  }
  return Aligned.of(columns);
}

/** As the library takes it. */
export function dataOf(aligned: Aligned): uPlot.AlignedData {
  return [aligned.times, ...aligned.columns] as unknown as uPlot.AlignedData;
}

/** What stays the same for as long as a chart has the same series, kind and look. */
export interface Frame {
  series: readonly ChartSeries[];
  places: Places;
  kind: ChartKind;
  bucket: number | null;
  look: Look;
  zone: () => Zone;
  unit: string;
  zero: boolean;
  shown: (key: string) => boolean;
}

/** The library's description of the series. */
export function seriesOf(frame: Frame): uPlot.Series[] {
  const { series, places, kind, look } = frame;
  const all: uPlot.Series[] = [{}];
  for (const [at, one] of series.entries()) {
    const colour = colourOf(one.place ?? at, look.dark);
    all.push({
      label: one.label,
      show: frame.shown(one.key),
      stroke: colour,
      width: kind === 'bars' ? 0 : 1.5,
      dash: dashOf(one.place ?? at),
      fill: kind === 'bars' ? faded(colour, 0.85) : undefined,
      paths: kind === 'points' ? () => null : kind === 'bars' ? bars(frame, at) : undefined,
      spanGaps: false,
      points: pointsOf(kind, colour),
    });
  }
  for (const [at, one] of series.entries()) {
    if (places.band[at] === null) continue;
    const edge: uPlot.Series = { show: frame.shown(one.key), stroke: 'transparent', width: 0, points: { show: false }, spanGaps: false };
    all.push({ ...edge }, { ...edge });
  }
  return all;
}

function pointsOf(kind: ChartKind, colour: string): uPlot.Series.Points {
  if (kind === 'bars') return { show: false };
  if (kind === 'points') return { show: true, size: 4, width: 0, fill: colour, stroke: colour };
  // On a line they show only where there is room, and alone between two gaps, where no line would show them.
  const filter = (u: uPlot, place: number, show: boolean) => {
    const [first = 0, last = 0] = u.series[0]?.idxs ?? [];
    return show ? null : alone(u.data[place] as Cell[], first, last);
  };
  return { size: 4, width: 0, fill: colour, stroke: colour, space: 24, filter: filter as uPlot.Series.Points.Filter };
}

/** The places of values that have no neighbour to draw a line to. */
export function alone(cells: readonly Cell[], first: number, last: number): number[] {
  const found: number[] = [];
  let joined = false;
  let waiting = -1;
  for (let at = first; at <= last; at += 1) {
    const value = cells[at];
    if (value === undefined) continue;
    if (value === null) {
      if (waiting >= 0) found.push(waiting);
      waiting = -1;
      joined = false;
      continue;
    }
    waiting = joined ? -1 : at;
    joined = true;
  }
  if (waiting >= 0) found.push(waiting);
  return found;
}

/** Bars of several series stand beside each other within their bucket. */
function bars(frame: Frame, at: number): uPlot.Series.PathBuilder {
  return (u, place, first, last) => {
    const times = u.data[0];
    const values = u.data[place] as Cell[];
    const beside = frame.series.flatMap((one, index) => (frame.shown(one.key) ? [index] : []));
    const slot = Math.max(0, beside.indexOf(at));
    const length = frame.bucket ?? usual(times);
    const from = u.valToPos(0, 'x', true);
    const whole = Math.max(1, u.valToPos(length, 'x', true) - from);
    const inner = whole > 4 ? whole * 0.84 : whole;
    const width = Math.max(1, inner / Math.max(1, beside.length));
    const ground = u.valToPos(Math.max(u.scales.y?.min ?? 0, Math.min(0, u.scales.y?.max ?? 0)), 'y', true);
    const fill = new Path2D();
    for (let row = Math.max(0, first - 1); row <= last; row += 1) {
      const value = values[row];
      if (value === null || value === undefined) continue;
      const left = u.valToPos(times[row] ?? 0, 'x', true) + (whole - inner) / 2 + slot * width;
      const top = u.valToPos(value, 'y', true);
      fill.rect(left, Math.min(top, ground), Math.max(1, width - (width > 6 ? 1 : 0)), Math.max(1, Math.abs(ground - top)));
    }
    return { stroke: null, fill, flags: 0 } as unknown as uPlot.Series.Paths;
  };
}

function usual(times: ArrayLike<number>): number {
  const distances: number[] = [];
  for (let at = 1; at < times.length && distances.length < 200; at += 1) distances.push((times[at] ?? 0) - (times[at - 1] ?? 0));
  distances.sort((one, other) => one - other);
  return distances[Math.floor(distances.length / 2)] ?? 1000;
}

/** The bands between mins and maxs. */
export function bandsOf(frame: Frame): uPlot.Band[] {
  return frame.series.flatMap((one, at) => {
    const place = frame.places.band[at];
    if (place === null || place === undefined) return [];
    return [{ series: [place + 2, place + 1] as [number, number], fill: faded(colourOf(one.place ?? at, frame.look.dark), 0.18) }];
  });
}

/** Time below, values at the left. */
export function axesOf(frame: Frame): uPlot.Axis[] {
  const { look } = frame;
  const line = { stroke: look.axis, font: look.font, ticks: { stroke: look.grid, size: 4, width: 1 } };
  return [
    {
      ...line,
      size: 30,
      gap: 6,
      grid: { stroke: look.grid, width: 1 },
      splits: (u, _axis, from, to) => ticks(from, to, u.bbox.width / devicePixelRatio, frame.zone()).map((mark) => mark.at),
      values: (u, places) => {
        const { min = 0, max = 1 } = u.scales.x ?? {};
        const width = u.bbox.width / devicePixelRatio;
        const [from, to] = [min ?? 0, max ?? 1];
        const labels = new Map(ticks(from, to, width, frame.zone()).map((mark) => [mark.at, mark.label]));
        return places.map((place) => whole(labels.get(place) ?? '', ((to - place) / (to - from)) * width));
      },
    },
    {
      ...line,
      gap: 6,
      grid: { stroke: look.grid, width: 1 },
      ticks: { show: false },
      space: 38,
      size: (_u, values) => 20 + 7 * Math.max(5, ...(values ?? []).map((value) => value.length)),
      values: (_u, places) => places.map((place, at) => axisText(place, places, at, frame.unit)),
    },
  ];
}

/** Beside the drawing, in pixels. */
export const RIGHT = 12;

/** The label of a mark so many pixels from the right edge; none rather than half of one. */
export function whole(label: string, distance: number): string {
  return distance + RIGHT < label.length * 3.5 ? '' : label;
}

/** As few digits as tell the marks of an axis apart; the unit stands at the topmost. */
export function axisText(value: number, all: readonly number[], at: number, unit: string): string {
  const step = Math.abs((all[1] ?? 1) - (all[0] ?? 0)) || 1;
  const size = Math.max(...all.map(Math.abs));
  const unitText = unit !== '' && at === all.length - 1 ? ` ${unit}` : '';
  if (size !== 0 && size < 1e-4) return numberText(value) + unitText;
  const letters: [number, string][] = [[1e12, 'T'], [1e9, 'G'], [1e6, 'M']];
  const [scale, letter] = letters.find(([scale]) => size >= scale) ?? [1, ''];
  const digits = decimals(step / scale);
  if (letter !== '' && digits > 3) return numberText(value) + unitText;
  return `${(value / scale).toFixed(digits)}${value === 0 ? '' : letter}${unitText}`;
}

/** How many digits after the point a step needs. */
function decimals(step: number): number {
  for (let digits = 0; digits < 9; digits += 1) {
    const scaled = step * 10 ** digits;
    if (scaled >= 0.999 && Math.abs(scaled - Math.round(scaled)) < 1e-6 * scaled) return digits;
  }
  return 9;
}

/** The range of values: with some air, and with zero where it belongs. */
export function valueRange(low: number | null, high: number | null, zero: boolean): [number, number] {
  if (low === null || high === null || !Number.isFinite(low) || !Number.isFinite(high)) return [0, 1];
  if (low === high) {
    if (low === 0) return [zero ? 0 : -1, 1];
    const air = Math.abs(low) * 0.1;
    return zero ? [Math.min(0, low - air), Math.max(0, high + air)] : [low - air, high + air];
  }
  const air = (high - low) * 0.08;
  // A line that comes near to zero from one side is easier to read with zero in sight.
  const near = zero || (low > 0 && low < (high - low) * 0.15) || (high < 0 && -high < (high - low) * 0.15);
  return [near && low >= 0 ? 0 : low - air, near && high <= 0 ? 0 : high + air];
}
