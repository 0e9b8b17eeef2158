import { describe, expect, it } from 'vitest';
import {
  COLUMNS,
  type Box,
  columnsFor,
  compact,
  height,
  inOrder,
  move,
  narrow,
  overlap,
  place,
  resize,
  step,
} from './grid';

const box = (id: string, x: number, y: number, w: number, h: number): Box => ({ id, x, y, w, h });
const at = (boxes: Box[], id: string) => {
  const found = boxes.find((one) => one.id === id);
  if (!found) throw new Error(`no box ${id}`);
  return [found.x, found.y, found.w, found.h];
};

/** A generator of numbers that are the same in each run. */
function numbers(seed: number) {
  let state = seed;
  return (below: number) => {
    state = (state * 1664525 + 1013904223) % 4294967296;
    return Math.floor((state / 4294967296) * below);
  };
}

const isSound = (boxes: Box[]) =>
  boxes.every(
    (a) => a.x >= 0 && a.x + a.w <= COLUMNS && a.y >= 0 && boxes.every((b) => a.id === b.id || !overlap(a, b)),
  );

describe('the grid of a board', () => {
  it('lets panels fall upwards without overlaps', () => {
    const boxes = compact([box('a', 0, 5, 6, 3), box('b', 3, 6, 6, 3), box('c', 9, 9, 3, 2)]);
    expect(at(boxes, 'a')).toEqual([0, 0, 6, 3]);
    expect(at(boxes, 'b')).toEqual([3, 3, 6, 3]);
    expect(at(boxes, 'c')).toEqual([9, 0, 3, 2]);
  });

  it('brings wild sizes into the columns', () => {
    const boxes = compact([box('a', 99, -4, 40, 900), box('b', -3, 2.4, 0, 0)]);
    expect(at(boxes, 'a')).toEqual([0, 0, 12, 40]);
    expect(at(boxes, 'b')).toEqual([0, 40, 2, 2]);
  });

  it('lets two panels change places when one passes the middle of the other', () => {
    const boxes = [box('a', 0, 0, 12, 4), box('b', 0, 4, 12, 4)];
    expect(at(move(boxes, 'a', 0, 1), 'a')).toEqual([0, 0, 12, 4]);
    const passed = move(boxes, 'a', 0, 3);
    expect(at(passed, 'b')).toEqual([0, 0, 12, 4]);
    expect(at(passed, 'a')).toEqual([0, 4, 12, 4]);
    expect(at(move(boxes, 'b', 0, 1), 'b')).toEqual([0, 0, 12, 4]);
  });

  it('pushes what is in the way below the panel that was moved onto it', () => {
    const boxes = [box('a', 0, 0, 6, 4), box('b', 6, 0, 6, 4)];
    const moved = move(boxes, 'a', 4, 0);
    expect(at(moved, 'a')).toEqual([4, 0, 6, 4]);
    expect(at(moved, 'b')).toEqual([6, 4, 6, 4]);
  });

  it('never lets a resized panel leave its columns or cover another', () => {
    const boxes = [box('a', 8, 0, 4, 4), box('b', 0, 4, 12, 4)];
    const grown = resize(boxes, 'a', 9, 6);
    expect(at(grown, 'a')).toEqual([8, 0, 4, 6]);
    expect(at(grown, 'b')).toEqual([0, 6, 12, 4]);
  });

  it('steps past a neighbour by keyboard, and back again', () => {
    const boxes = [box('a', 0, 0, 6, 3), box('b', 0, 3, 6, 5), box('c', 6, 0, 6, 8)];
    const down = step(boxes, 'a', 'down');
    expect(at(down, 'b')).toEqual([0, 0, 6, 5]);
    expect(at(down, 'a')).toEqual([0, 5, 6, 3]);
    expect(
      step(down, 'a', 'up')
        .map((one) => one.y)
        .sort(),
    ).toEqual([0, 0, 3]);
    expect(at(step(boxes, 'a', 'left'), 'a')).toEqual([0, 0, 6, 3]);
    expect(at(step(boxes, 'a', 'up'), 'a')).toEqual([0, 0, 6, 3]);
  });

  it('finds the highest free place for a new panel', () => {
    const boxes = [box('a', 0, 0, 6, 4), box('b', 6, 0, 3, 4)];
    expect(place(boxes, 3, 2)).toEqual({ x: 9, y: 0 });
    expect(place(boxes, 6, 2)).toEqual({ x: 0, y: 4 });
    expect(place([], 6, 2)).toEqual({ x: 0, y: 0 });
  });

  it('stays sound through a thousand arbitrary moves', () => {
    const random = numbers(7);
    let boxes = compact(
      Array.from({ length: 14 }, (_, i) => box(`p${i}`, random(12), random(20), 2 + random(11), 2 + random(6))),
    );
    for (let i = 0; i < 1000; i += 1) {
      const id = `p${random(14)}`;
      const kind = random(3);
      if (kind === 0) boxes = move(boxes, id, random(14) - 1, random(30) - 1);
      else if (kind === 1) boxes = resize(boxes, id, random(15), random(9));
      else boxes = step(boxes, id, (['left', 'right', 'up', 'down'] as const)[random(4)] ?? 'up');
      expect(boxes).toHaveLength(14);
      expect(isSound(boxes), JSON.stringify(boxes)).toBe(true);
      expect(inOrder(compact(boxes))).toEqual(inOrder(boxes));
    }
  });

  it('becomes one column on a telephone, in reading order, and keeps the heights', () => {
    const boxes = [box('b', 6, 0, 6, 4), box('a', 0, 0, 6, 3), box('c', 0, 4, 12, 5)];
    const one = narrow(boxes, columnsFor(360));
    expect(inOrder(one).map((each) => each.id)).toEqual(['a', 'b', 'c']);
    expect(one.every((each) => each.x === 0 && each.w === 1)).toBe(true);
    expect(height(one)).toBe(12);
    const six = narrow(boxes, columnsFor(800));
    expect(at(six, 'a')).toEqual([0, 0, 3, 3]);
    expect(at(six, 'b')).toEqual([3, 0, 3, 4]);
  });
});
