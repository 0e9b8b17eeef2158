// How panels lie on a board: twelve columns, panels fall upwards, none overlaps another.
//
// The order decides everything: panels are dropped one after another onto a skyline of column heights. A panel that is
// moved changes the order, and the rest makes room by itself.

/** What the arithmetic needs to know of a panel. */
export interface Box {
  id: string;
  x: number;
  y: number;
  w: number;
  h: number;
}

export const COLUMNS = 12;
export const LEAST_WIDTH = 2;
export const LEAST_HEIGHT = 2;
export const MOST_HEIGHT = 40;

const clamp = (value: number, least: number, most: number) => Math.max(least, Math.min(most, Math.round(value)));

/** The box within the columns, and of a size that can be used. */
export function fit<T extends Box>(box: T): T {
  const w = clamp(box.w, LEAST_WIDTH, COLUMNS);
  return {
    ...box,
    w,
    h: clamp(box.h, LEAST_HEIGHT, MOST_HEIGHT),
    x: clamp(box.x, 0, COLUMNS - w),
    y: Math.max(0, Math.round(box.y)),
  };
}

export function overlap(a: Box, b: Box): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}

const shareColumns = (a: Box, b: Box) => a.x < b.x + b.w && b.x < a.x + a.w;

/** Reading order: from the top, then from the left. */
export function inOrder<T extends Box>(boxes: readonly T[]): T[] {
  return [...boxes].sort((a, b) => a.y - b.y || a.x - b.x);
}

/** Lets the boxes fall upwards in the order given. */
function drop<T extends Box>(boxes: readonly T[]): T[] {
  const heights = new Array<number>(COLUMNS).fill(0);
  return boxes.map((box) => {
    const fitted = fit(box);
    const y = Math.max(...heights.slice(fitted.x, fitted.x + fitted.w));
    heights.fill(y + fitted.h, fitted.x, fitted.x + fitted.w);
    return { ...fitted, y };
  });
}

/** The same boxes without overlaps and without holes above them. */
export function compact<T extends Box>(boxes: readonly T[]): T[] {
  return drop(inOrder(boxes));
}

/** Moves a box; those in its way go below it, those that it passed go above it. */
export function move<T extends Box>(boxes: readonly T[], id: string, x: number, y: number): T[] {
  const before = boxes.find((box) => box.id === id);
  if (!before) return [...boxes];
  const moved = fit({ ...before, x, y });
  const down = moved.y > before.y;
  const isAbove = (other: T) => {
    const middle = other.y + other.h / 2;
    // The edge that goes ahead decides: past another's middle, the two change places.
    if (shareColumns(moved, other)) return down ? moved.y + moved.h > middle : moved.y >= middle;
    return other.y < moved.y || (other.y === moved.y && other.x < moved.x);
  };
  const others = inOrder(boxes.filter((box) => box.id !== id));
  const above = others.filter(isAbove);
  const below = others.filter((box) => !isAbove(box));
  return drop([...above, moved, ...below]);
}

/** Gives a box another size; those below make room. */
export function resize<T extends Box>(boxes: readonly T[], id: string, w: number, h: number): T[] {
  const change = (box: T) => (box.id === id ? fit({ ...box, w: clamp(w, LEAST_WIDTH, COLUMNS - box.x), h }) : box);
  // The order is that of before: what grows pushes, it does not jump.
  return drop(inOrder(boxes).map(change));
}

export type Direction = 'left' | 'right' | 'up' | 'down';

/** One step by keyboard: a column aside, or past the neighbour above or below. */
export function step<T extends Box>(boxes: readonly T[], id: string, direction: Direction): T[] {
  const box = boxes.find((other) => other.id === id);
  if (!box) return [...boxes];
  if (direction === 'left') return move(boxes, id, box.x - 1, box.y);
  if (direction === 'right') return move(boxes, id, box.x + 1, box.y);
  const neighbours = boxes.filter((other) => other.id !== id && shareColumns(box, other));
  if (direction === 'up') {
    const above = neighbours.filter((other) => other.y < box.y);
    const target = above.sort((a, b) => b.y - a.y)[0];
    return target ? move(boxes, id, box.x, target.y) : [...boxes];
  }
  const below = neighbours.filter((other) => other.y > box.y);
  const target = below.sort((a, b) => a.y - b.y)[0];
  return target ? move(boxes, id, box.x, target.y + target.h) : [...boxes];
}

/** Where a new box of this size goes: the highest free place, else below all. */
export function place(boxes: readonly Box[], w: number, h: number): { x: number; y: number } {
  const bottom = height(boxes);
  const { w: width, h: tall } = fit({ id: '', x: 0, y: 0, w, h });
  for (let y = 0; y < bottom; y += 1) {
    for (let x = 0; x + width <= COLUMNS; x += 1) {
      const spot = { id: '', x, y, w: width, h: tall };
      if (!boxes.some((box) => overlap(box, spot))) return { x, y };
    }
  }
  return { x: 0, y: bottom };
}

/** The rows that the boxes take. */
export function height(boxes: readonly Box[]): number {
  return boxes.reduce((most, box) => Math.max(most, box.y + box.h), 0);
}

/** How many columns a board of this width in pixels has. */
export function columnsFor(width: number): number {
  if (width < 600) return 1;
  return width < 960 ? 6 : COLUMNS;
}

/** The boxes on fewer columns, in reading order: for looking at only, never stored. */
export function narrow<T extends Box>(boxes: readonly T[], columns: number): T[] {
  if (columns >= COLUMNS) return compact(boxes);
  const heights = new Array<number>(columns).fill(0);
  return inOrder(boxes).map((box) => {
    // Twelve columns become six or one: a width keeps its share, but never less than half of six.
    const least = Math.min(columns, 3);
    const w = Math.max(least, Math.min(columns, Math.round((box.w * columns) / COLUMNS)));
    let best = { x: 0, y: Infinity };
    for (let x = 0; x + w <= columns; x += 1) {
      const y = Math.max(...heights.slice(x, x + w));
      if (y < best.y) best = { x, y };
    }
    heights.fill(best.y + box.h, best.x, best.x + w);
    return { ...box, ...best, w };
  });
}
