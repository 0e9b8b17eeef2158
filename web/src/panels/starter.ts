// A board to begin with, made from what the project has: offered where there is none yet.

import { type Board, type Panel, type PanelKind, emptyBoard, newPanel } from './board';
import { compact } from './grid';

/** A field as its namespace lists it. */
export interface Field {
  name: string;
  type: string;
}

const MOST_PANELS = 12;

/** Fields that stand for the same in different devices go together: `load_1m` and `load_5m`, `temp_in` and `temp_out`. */
function family(name: string): string {
  return name.split(/[_\-.]/)[0] ?? name;
}

const isNumber = (field: Field) => field.type === 'DOUBLE' || field.type === 'LONG';

/** The pair of fields that are a position, if there is one. */
export function positionFields(fields: readonly Field[]): { latitude: string; longitude: string } | null {
  const numbers = fields.filter(isNumber).map((field) => field.name);
  const find = (...patterns: RegExp[]) => numbers.find((name) => patterns.some((pattern) => pattern.test(name)));
  const latitude = find(/^lat(itude)?$/i, /[_.-]lat(itude)?$/i);
  const longitude = find(/^(lon|lng|long|longitude)$/i, /[_.-](lon|lng|longitude)$/i);
  return latitude && longitude ? { latitude, longitude } : null;
}

/** A unit that a field's name gives away. */
export function unitOf(name: string): string {
  const found = /(?:^|_)(percent|pct|celsius|mb|gb|kb_s|kwh|kw|hpa|volts?|amps?|watts?|ppm|lux|rpm|ms)$/i.exec(
    name,
  )?.[1];
  if (found) {
    const units: Record<string, string> = {
      percent: '%',
      pct: '%',
      celsius: '°C',
      mb: 'MB',
      gb: 'GB',
      kb_s: 'kB/s',
      kwh: 'kWh',
      kw: 'kW',
      hpa: 'hPa',
      volt: 'V',
      volts: 'V',
      amp: 'A',
      amps: 'A',
      watt: 'W',
      watts: 'W',
      ppm: 'ppm',
      lux: 'lx',
      rpm: 'rpm',
      ms: 'ms',
    };
    return units[found.toLowerCase()] ?? '';
  }
  if (/temp/i.test(name)) return '°C';
  return /humid|battery/i.test(name) ? '%' : '';
}

/** `cpu_percent` as people say it: `Cpu percent`. */
export function titleOf(name: string): string {
  const words = name.replace(/[_.-]+/g, ' ').trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** A board of the fields: newest values on top, charts below, states, a map where there are positions. */
export function starterBoard(namespace: string, fields: readonly Field[]): Board {
  const board = emptyBoard();
  board.variables = [{ name: 'device', kind: 'device', multi: true, value: [] }];
  const position = positionFields(fields);
  const rest = fields.filter((field) => field.name !== position?.latitude && field.name !== position?.longitude);
  const numbers = rest.filter(isNumber);
  const states = rest.filter((field) => !isNumber(field));
  const add = (kind: PanelKind, title: string, names: string[], options: Panel['options'], size?: [number, number]) => {
    if (board.panels.length >= MOST_PANELS) return;
    const panel = newPanel(board.panels, kind, namespace);
    const query = { ...panel.query!, fields: names, devices: ['$device'] };
    const [w, h] = size ?? [panel.w, panel.h];
    // Below all: the order in which panels are added is the order in which they are read.
    board.panels.push({ ...panel, title, query, options, w, h, ...under(board.panels, w, h) });
  };
  for (const field of numbers.slice(0, 4)) {
    add('value', titleOf(field.name), [field.name], { unit: unitOf(field.name), spark: true });
  }
  const families = grouped(numbers, (field) => family(field.name));
  for (const [name, members] of families) {
    const names = members.slice(0, 4).map((field) => field.name);
    const title = members.length > 1 ? titleOf(name) : titleOf(names[0] ?? name);
    add('chart', title, names, { unit: commonUnit(names) });
  }
  if (position) add('map', 'Where they are', [position.latitude, position.longitude], { ...position, track: true });
  if (states.length > 0)
    add(
      'timeline',
      'States',
      states.slice(0, 4).map((field) => field.name),
      {},
      // A band for each state; more when several devices tell it.
      [6, Math.min(6, 3 + states.length)],
    );
  board.panels = compact(board.panels);
  return board;
}

function grouped<T>(all: readonly T[], key: (one: T) => string): Map<string, T[]> {
  const found = new Map<string, T[]>();
  for (const one of all) found.set(key(one), [...(found.get(key(one)) ?? []), one]);
  return found;
}

function commonUnit(names: string[]): string {
  const units = new Set(names.map(unitOf));
  return units.size === 1 ? ([...units][0] ?? '') : '';
}

/** Beside the last panel where it fits, else on a row below. */
function under(panels: readonly Panel[], w: number, h: number): { x: number; y: number } {
  const last = panels.at(-1);
  if (!last) return { x: 0, y: 0 };
  const fits = (last.h === h || last.kind === 'map') && last.x + last.w + w <= 12;
  const bottom = panels.reduce((most, panel) => Math.max(most, panel.y + panel.h), 0);
  return fits ? { x: last.x + last.w, y: last.y } : { x: 0, y: bottom };
}
