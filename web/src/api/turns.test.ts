import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Channel, MAX_STREAMS, type Turn, Turns } from './turns';

/** A channel between tabs that delivers at once. */
class Air {
  all: Channel[] = [];

  tab(): Channel {
    const channel: Channel = {
      onmessage: null,
      postMessage: (data) => this.all.filter((other) => other !== channel).forEach((other) => other.onmessage?.({ data })),
    };
    this.all.push(channel);
    return channel;
  }
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const listening = (turns: Turn[]) => turns.map((turn) => turn.listens()).filter(Boolean).length;

test('of ten tabs as many listen as may, the first ones, and all agree', () => {
  const air = new Air();
  const turns = Array.from({ length: 10 }, (_, at) => {
    vi.setSystemTime(1000 + at);
    return new Turns(air.tab()).take();
  });
  expect(turns.map((turn) => turn.listens())).toEqual(turns.map((_, at) => at < MAX_STREAMS));
});

test('tabs that came at the same moment agree too', () => {
  const air = new Air();
  const turns = Array.from({ length: 10 }, () => new Turns(air.tab(), () => 5).take());
  expect(listening(turns)).toBe(MAX_STREAMS);
});

test('when one leaves, the next takes its place', () => {
  const air = new Air();
  const turns = Array.from({ length: 4 }, (_, at) => {
    vi.setSystemTime(1000 + at);
    return new Turns(air.tab()).take();
  });
  turns[0].leave();
  expect(turns.slice(1).map((turn) => turn.listens())).toEqual([true, true, false]);
});

test('a tab that was killed is gone after a while', () => {
  const air = new Air();
  const killed = new Turns(air.tab()).take();
  killed.listens();
  vi.advanceTimersByTime(10);
  const turns = Array.from({ length: MAX_STREAMS }, () => new Turns(air.tab()).take());
  expect(listening(turns)).toBe(MAX_STREAMS - 1);
  air.all.shift();
  vi.clearAllTimers();
  vi.advanceTimersByTime(6_000);
  turns.forEach((turn) => turn.leave());
  const later = Array.from({ length: MAX_STREAMS }, () => new Turns(air.tab()).take());
  expect(listening(later)).toBe(MAX_STREAMS);
});

test('several listeners of one tab take turns as well, and without a channel each listens', () => {
  const one = new Turns(new Air().tab());
  expect(listening([one.take(), one.take(), one.take()])).toBe(MAX_STREAMS);
  const alone = new Turns(null);
  expect(listening([alone.take(), alone.take(), alone.take()])).toBe(3);
});
