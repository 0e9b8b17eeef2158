// The devices that a board's panels show, for whoever sees the board alone: a link opens no list of devices.

import type { Options } from '../api/call';
import type { Board, Panel, Variable } from './board';
import type { Source } from './source';
import { type Values, fill } from './variables';

/** So many panels are asked at most; they mostly show the same devices. */
const MOST_PANELS = 8;

/** The panels that leave their devices to the variable. */
export function panelsOf(board: Board, name: string): Panel[] {
  return board.panels.filter((panel) => panel.query?.devices?.length === 1 && panel.query.devices[0] === `$${name}`);
}

/** The devices that the board was stored with; none: those of all readings. */
export const storedOf = ({ value }: Variable): string[] => (Array.isArray(value) ? value : value === '' ? [] : [value]);

/** Whether there is anything to choose. */
export function choosable(board: Board, variable: Variable): boolean {
  return variable.kind === 'device' && storedOf(variable).length !== 1 && panelsOf(board, variable.name).length > 0;
}

interface Look {
  from: number;
  to: number;
  timezone: string;
}

/** What may be chosen for a variable: what is stored, or whoever has readings in the panels, in order. */
export async function devicesOf(board: Board, variable: Variable, source: Source, look: Look, options: Options): Promise<string[]> {
  const stored = storedOf(variable);
  if (stored.length > 0) return stored;
  const all: Values = { [variable.name]: [] };
  const panels = panelsOf(board, variable.name).slice(0, MOST_PANELS);
  const replies = await Promise.all(panels.map((panel) => source.ask({ panel, query: fill(panel.query!, board, all), width: 50, ...look }, options)));
  const found = replies.flatMap((reply) => reply.series.filter((one) => one.times.length > 0).map((one) => one.device_id));
  const order = new Intl.Collator('en', { numeric: true });
  return [...new Set(found.filter((id) => id !== null))].sort(order.compare);
}
