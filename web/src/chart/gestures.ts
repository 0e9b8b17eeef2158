// Gestures on a chart: a pointer that drags moves along, so does one finger, and two fingers come closer. Up and down still
// scrolls the page.

import type uPlot from 'uplot';
import type { Span } from '../time/range';
import { shift, sound } from '../time/zoom';

/** Follows fingers until the returned function is called. */
export function touches(u: uPlot, span: () => Span, done: (span: Span) => void): () => void {
  const held = new Map<number, number>();
  let before: Span | null = null;
  let fingers: [number, number] = [0, 0];
  let next: Span | null = null;

  function grip(): [number, number] {
    const all = [...held.values()].sort((one, other) => one - other);
    return [all[0] ?? 0, all[all.length - 1] ?? 0];
  }

  function take(): void {
    before = next ?? span();
    fingers = grip();
  }

  function down(event: PointerEvent): void {
    if (event.pointerType !== 'touch') return;
    held.set(event.pointerId, event.offsetX);
    take();
  }

  function move(event: PointerEvent): void {
    if (!before || !held.has(event.pointerId)) return;
    held.set(event.pointerId, event.offsetX);
    const [left, right] = grip();
    const width = Math.max(1, u.over.clientWidth);
    const per = (before.to - before.from) / width;
    if (held.size === 1) {
      if (Math.abs(left - fingers[0]) < 4 && next === null) return;
      const by = (fingers[0] - left) * per;
      next = { from: before.from + by, to: before.to + by };
    } else {
      // The times that were under the two fingers stay under them.
      const [one, other] = [before.from + fingers[0] * per, before.from + fingers[1] * per];
      const perNow = (other - one) / Math.max(20, right - left);
      next = { from: one - left * perNow, to: one + (width - left) * perNow };
    }
    u.setScale('x', { min: next.from, max: next.to });
  }

  function up(event: PointerEvent): void {
    if (!held.delete(event.pointerId)) return;
    if (held.size > 0) return take();
    if (next) done(sound(next));
    before = next = null;
  }

  u.over.addEventListener('pointerdown', down);
  u.over.addEventListener('pointermove', move);
  u.over.addEventListener('pointerup', up);
  u.over.addEventListener('pointercancel', up);
  return () => {
    u.over.removeEventListener('pointerdown', down);
    u.over.removeEventListener('pointermove', move);
    u.over.removeEventListener('pointerup', up);
    u.over.removeEventListener('pointercancel', up);
  };
}

/** Moves along while the button is held, then asks for what came into sight. */
export function dragged(u: uPlot, start: MouseEvent, before: Span, done: (span: Span) => void): void {
  const { from, to } = before;
  const per = (to - from) / Math.max(1, u.over.clientWidth);
  let by = 0;
  const move = (event: MouseEvent) => {
    by = -(event.clientX - start.clientX) * per;
    u.setScale('x', { min: from + by, max: to + by });
  };
  const end = () => {
    removeEventListener('mousemove', move);
    removeEventListener('mouseup', end);
    if (by !== 0) done(shift({ from, to }, by));
  };
  start.preventDefault();
  addEventListener('mousemove', move);
  addEventListener('mouseup', end);
}
