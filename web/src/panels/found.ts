// What someone found while exploring, as panels of a board.

import type { Condition } from '../api/query';
import { type Board, type Operator, type Panel, type PanelKind, type Predicate, SIZES, emptyBoard, freshId, newPanel } from './board';
import { compact, place } from './grid';

export interface Found {
  title: string;
  namespace: string;
  /** Drawn as lines. */
  numbers: string[];
  /** Drawn as states. */
  states: string[];
  /** None: all. */
  devices: string[];
  where: Condition[];
  operator: Operator | '';
  bucket: string;
  style: 'line' | 'points' | 'bars';
}

/** A board without panels that begins with a time. */
export function emptied({ from, to }: { from: string; to: string }): Board {
  return { ...emptyBoard(), time: { from, to }, refresh: to === 'now' ? 'live' : 'off' };
}

/** The board with what was found on free places. */
export function joinedBy(board: Board, found: Found): Board {
  const panels = [...board.panels];
  if (found.numbers.length > 0) panels.push(panelOf(panels, 'chart', found.title, found.numbers, board, found));
  if (found.states.length > 0) {
    const title = found.numbers.length > 0 ? `${found.title} (states)`.slice(0, 255) : found.title;
    panels.push(panelOf(panels, 'timeline', title, found.states, board, found));
  }
  return { ...board, panels: compact(panels) };
}

function panelOf(panels: readonly Panel[], kind: PanelKind, title: string, fields: string[], board: Board, found: Found): Panel {
  const { devices, operator } = found;
  const panel = newPanel(panels, kind, found.namespace);
  // All devices are whichever the board's variable stands for, as in panels that are made on the board.
  const variable = board.variables.find((one) => one.kind === 'device');
  return {
    ...panel,
    id: freshId(panels),
    title,
    ...place(panels, SIZES[kind].w, SIZES[kind].h),
    options: kind === 'chart' && found.style !== 'line' ? { style: found.style } : {},
    query: {
      ...panel.query!,
      fields,
      devices: devices.length > 0 ? devices : variable ? [`$${variable.name}`] : null,
      where: found.where.filter((one): one is Predicate => one.value !== null),
      operator: operator === '' ? null : operator,
      bucket: operator === '' ? 'auto' : found.bucket,
    },
  };
}
