// The map's arithmetic: positions on a sheet, a graticule under them, no tiles from anywhere.
//
// The projection is Mercator's: angles are true, so a turn looks like a turn. A view is a centre and a scale.

export interface Position {
  latitude: number;
  longitude: number;
}

export interface View extends Position {
  /** Pixels for one degree of longitude. */
  scale: number;
}

export interface Size {
  width: number;
  height: number;
}

const MOST_LATITUDE = 85;
const LEAST_SCALE = 0.5;
/** About half a centimetre on the ground for one pixel. */
const MOST_SCALE = 2e7;
const RADIANS = Math.PI / 180;
const METRES_PER_DEGREE = 111_320;

const clamp = (value: number, least: number, most: number) => Math.max(least, Math.min(most, value));

/** Degrees of longitude that the latitude is away from the equator on the sheet. */
const northing = (latitude: number) => {
  const held = clamp(latitude, -MOST_LATITUDE, MOST_LATITUDE) * RADIANS;
  return Math.log(Math.tan(Math.PI / 4 + held / 2)) / RADIANS;
};
const latitudeOf = (north: number) => (2 * Math.atan(Math.exp(north * RADIANS)) - Math.PI / 2) / RADIANS;

/** Whether the two numbers are a place on earth. */
export function isPosition(latitude: unknown, longitude: unknown): boolean {
  return (
    typeof latitude === 'number' &&
    typeof longitude === 'number' &&
    Math.abs(latitude) <= 90 &&
    Math.abs(longitude) <= 360
  );
}

export function toSheet(position: Position, view: View, size: Size): { x: number; y: number } {
  return {
    x: size.width / 2 + (position.longitude - view.longitude) * view.scale,
    y: size.height / 2 - (northing(position.latitude) - northing(view.latitude)) * view.scale,
  };
}

export function fromSheet(x: number, y: number, view: View, size: Size): Position {
  return {
    longitude: view.longitude + (x - size.width / 2) / view.scale,
    latitude: latitudeOf(northing(view.latitude) - (y - size.height / 2) / view.scale),
  };
}

/** Longitudes without jumps: a track over the antimeridian goes on past 180. */
export function unwrap(longitudes: readonly number[], start?: number): number[] {
  let before = start;
  return longitudes.map((longitude) => {
    const turned = before === undefined ? longitude : longitude + 360 * Math.round((before - longitude) / 360);
    before = turned;
    return turned;
  });
}

/** A view that shows all of the positions, with a margin; the whole world when there is none. */
export function viewOf(positions: readonly Position[], size: Size): View {
  if (positions.length === 0 || size.width < 1 || size.height < 1) {
    return { latitude: 20, longitude: 0, scale: clamp(size.width / 360, LEAST_SCALE, 4) };
  }
  let [west, east, south, north] = [Infinity, -Infinity, Infinity, -Infinity];
  for (const { latitude, longitude } of positions) {
    west = Math.min(west, longitude);
    east = Math.max(east, longitude);
    south = Math.min(south, northing(latitude));
    north = Math.max(north, northing(latitude));
  }
  // One place alone gets a surrounding of some hundred metres.
  const wide = Math.max(east - west, 0.004);
  const tall = Math.max(north - south, 0.004);
  const margin = 0.8;
  return {
    latitude: latitudeOf((south + north) / 2),
    longitude: (west + east) / 2,
    scale: clamp(Math.min((size.width / wide) * margin, (size.height / tall) * margin), LEAST_SCALE, MOST_SCALE),
  };
}

/** Zooms by a factor; the place under the pointer stays under it. */
export function zoom(view: View, factor: number, size: Size, at?: { x: number; y: number }): View {
  const scale = clamp(view.scale * factor, Math.max(LEAST_SCALE, size.width / 1440), MOST_SCALE);
  const point = at ?? { x: size.width / 2, y: size.height / 2 };
  const fixed = fromSheet(point.x, point.y, view, size);
  const there = toSheet(fixed, { ...view, scale }, size);
  return pan({ ...view, scale }, point.x - there.x, point.y - there.y, size);
}

/** Moves the sheet by pixels. */
export function pan(view: View, dx: number, dy: number, size: Size): View {
  const centre = fromSheet(size.width / 2 - dx, size.height / 2 - dy, view, size);
  return { ...view, longitude: centre.longitude, latitude: clamp(centre.latitude, -MOST_LATITUDE, MOST_LATITUDE) };
}

const STEPS = [
  90, 45, 30, 15, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005, 0.0002, 0.0001, 0.00005,
  0.00002, 0.00001, 0.000005, 0.000002, 0.000001,
];

/** The smallest step of degrees whose lines are at least that many pixels apart. */
export function stepFor(pixelsPerDegree: number, apart: number): number {
  let best = 90;
  for (const step of STEPS) if (step * pixelsPerDegree >= apart) best = step;
  return best;
}

export interface Line {
  degrees: number;
  label: string;
  /** Where it crosses the sheet: x of a meridian, y of a parallel. */
  at: number;
}

/** The lines of the graticule that are on the sheet. */
export function graticule(view: View, size: Size): { meridians: Line[]; parallels: Line[] } {
  const apart = size.width < 480 ? 72 : 96;
  const corner = fromSheet(0, 0, view, size);
  const opposite = fromSheet(size.width, size.height, view, size);
  const across = stepFor(view.scale, apart);
  // Mercator stretches latitudes: their lines have a step of their own.
  const down = stepFor(view.scale / Math.max(0.1, Math.cos(view.latitude * RADIANS)), apart * 0.75);
  return {
    meridians: multiples(corner.longitude, opposite.longitude, across).map((degrees) => ({
      degrees,
      label: label(turn(degrees), across, 'E', 'W'),
      at: toSheet({ latitude: 0, longitude: degrees }, view, size).x,
    })),
    parallels: multiples(opposite.latitude, corner.latitude, down)
      .filter((degrees) => Math.abs(degrees) <= MOST_LATITUDE)
      .map((degrees) => ({
        degrees,
        label: label(degrees, down, 'N', 'S'),
        at: toSheet({ latitude: degrees, longitude: 0 }, view, size).y,
      })),
  };
}

function multiples(from: number, to: number, step: number): number[] {
  const found: number[] = [];
  const last = Math.floor(to / step + 1e-9);
  for (let n = Math.ceil(from / step - 1e-9); n <= last && found.length < 60; n += 1) found.push(n * step);
  return found;
}

/** A longitude between -180 and 180. */
function turn(longitude: number): number {
  const turned = ((((longitude + 180) % 360) + 360) % 360) - 180;
  return turned === -180 ? 180 : turned;
}

function label(degrees: number, step: number, positive: string, negative: string): string {
  const digits = Math.max(0, Math.min(6, Math.ceil(-Math.log10(step) - 1e-9)));
  const size = Math.abs(degrees).toFixed(digits);
  if (Number(size) === 0) return '0°';
  const side = size === '180' ? '' : degrees > 0 ? positive : negative;
  return `${size}°${side && `\u202f${side}`}`;
}

/** A position as people write it. */
export function written(position: Position, digits = 5): string {
  const { latitude } = position;
  const longitude = turn(position.longitude);
  const one = (value: number, plus: string, minus: string) =>
    `${Math.abs(value).toFixed(digits)}°\u202f${value < 0 ? minus : plus}`;
  return `${one(latitude, 'N', 'S')}, ${one(longitude, 'E', 'W')}`;
}

/** A round distance and its length on the sheet, for the bar in the corner. */
export function scaleBar(view: View, most: number): { label: string; width: number } {
  const metres = (METRES_PER_DEGREE * Math.cos(view.latitude * RADIANS)) / view.scale;
  const room = metres * most * (1 + 1e-9);
  let length = 10 ** Math.floor(Math.log10(room));
  for (const factor of [5, 2]) {
    if (length * factor <= room) {
      length *= factor;
      break;
    }
  }
  const text = length >= 1000 ? `${length / 1000} km` : length >= 1 ? `${length} m` : `${Math.round(length * 100)} cm`;
  return { label: text, width: length / metres };
}

export interface Track {
  device: string;
  points: (Position & { time: number })[];
}

/** Series of latitudes and longitudes as tracks: a position is where both have a value at the same time. */
export function tracks(
  series: readonly { device_id: string | null; field: string; times: number[]; values: unknown[] }[],
  latitude: string,
  longitude: string,
): Track[] {
  const found: Track[] = [];
  for (const north of series.filter((one) => one.field === latitude)) {
    const east = series.find((one) => one.field === longitude && one.device_id === north.device_id);
    if (!east) continue;
    const easts = new Map(east.times.map((time, i) => [time, east.values[i]]));
    const points: Track['points'] = [];
    north.times.forEach((time, i) => {
      const [a, b] = [north.values[i], easts.get(time)];
      if (isPosition(a, b)) points.push({ time, latitude: a as number, longitude: b as number });
    });
    points.sort((a, b) => a.time - b.time);
    const straight = unwrap(points.map((point) => point.longitude));
    if (points.length > 0) {
      const turned = points.map((point, i) => ({ ...point, longitude: straight[i] ?? point.longitude }));
      found.push({ device: north.device_id ?? '', points: turned });
    }
  }
  return together(found);
}

/** Tracks on either side of the antimeridian, brought to the same side. */
function together(all: Track[]): Track[] {
  const start = all[0]?.points.at(-1)?.longitude;
  if (start === undefined) return all;
  return all.map((track) => {
    const last = track.points.at(-1)?.longitude ?? start;
    const shift = 360 * Math.round((start - last) / 360);
    if (shift === 0) return track;
    return { ...track, points: track.points.map((point) => ({ ...point, longitude: point.longitude + shift })) };
  });
}
