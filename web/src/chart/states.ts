// A series of states (texts, truths, or few numbers) as stretches of time.

export type State = string | number | boolean;

/** From when until when something was so. */
export interface Stretch {
  from: number;
  to: number;
  state: State;
}

/**
 * Neighbours that are alike become one stretch; each lasts until the next value, the last until `end`. Null ends a
 * stretch, and so does a silence longer than `gap`.
 */
export function stretches(times: readonly number[], values: readonly (State | null | undefined)[], end: number, gap = Infinity): Stretch[] {
  const found: Stretch[] = [];
  for (let at = 0; at < times.length; at += 1) {
    const state = values[at];
    const from = times[at];
    if (state === null || state === undefined || from === undefined || from >= end) continue;
    const next = Math.min(times[at + 1] ?? end, end);
    const to = next - from > gap ? from + gap : next;
    const before = found[found.length - 1];
    if (before !== undefined && before.state === state && before.to === from) before.to = to;
    else found.push({ from, to, state });
  }
  return found;
}

/** Stretches shorter than a pixel are merged into their neighbour, so that no screen gets more boxes than it has pixels. */
export function thinned(all: readonly Stretch[], span: { from: number; to: number }, width: number): Stretch[] {
  const pixel = (span.to - span.from) / Math.max(1, width);
  const found: Stretch[] = [];
  for (const one of all) {
    if (one.to <= span.from || one.from >= span.to) continue;
    const cut = { ...one, from: Math.max(one.from, span.from), to: Math.min(one.to, span.to) };
    const before = found[found.length - 1];
    if (before !== undefined && cut.to - before.from < pixel) before.to = cut.to;
    else found.push(cut);
  }
  return found;
}

/** The states that occur, truths and numbers in their order, texts as they come. */
export function statesOf(lists: readonly (readonly Stretch[])[]): State[] {
  const seen = new Set<State>();
  for (const list of lists) for (const one of list) seen.add(one.state);
  const all = [...seen];
  return all.every((state) => typeof state === 'number') ? all.sort((one, other) => Number(one) - Number(other)) : all;
}
