// What one panel shows, and how it is kept fresh.
//
//   question ─▶ ask ─▶ reply ◀─ new rows (as they are stored)      buckets: asked again, as rows change them

import { aborted } from '../api/call';
import type { LiveRows } from '../api/live';
import type { Topic } from './feed';
import { type Reply, fitting, joined } from './series';
import type { Question, Source } from './source';

/** So often new rows are put on the screen at most. */
const FRAME = 200;
/** So often buckets are asked for again while rows come in. */
const BUCKETS = 3_000;

export class PanelData {
  reply = $state.raw<Reply | null>(null);
  failed = $state.raw<unknown>(null);
  asking = $state(false);

  #stop: AbortController | null = null;
  #ask: (() => Question | null) | null = null;
  #waiting: LiveRows[] = [];
  #frame: ReturnType<typeof setTimeout> | undefined;
  #again: ReturnType<typeof setTimeout> | undefined;
  #asked = 0;

  constructor(
    private readonly source: Source,
    /** Puts rows into what is drawn already, without a new reply. False: it cannot. */
    private readonly append: (rows: LiveRows, fields: readonly string[]) => boolean | undefined = () => undefined,
  ) {}

  /** Asks for everything. What is on screen stays there until the answer is here. */
  async ask(question: () => Question | null): Promise<void> {
    this.#ask = question;
    const wanted = question();
    if (!wanted) return;
    this.#stop?.abort();
    const stop = (this.#stop = new AbortController());
    this.asking = true;
    this.#asked = Date.now();
    try {
      const reply = await this.source.ask(wanted, { signal: stop.signal });
      if (stop.signal.aborted) return;
      // Most devices of a project have nothing to say in a given field: series without a point are no series.
      this.reply = { ...reply, series: reply.series.filter((one) => one.times.length > 0) };
      this.failed = null;
    } catch (error) {
      if (stop.signal.aborted || aborted(error)) return;
      this.failed = error;
    } finally {
      if (this.#stop === stop) {
        this.#stop = null;
        this.asking = false;
        this.#soon();
      }
    }
  }

  /** Listens to new rows of what is asked for; the function that it gives ends it. */
  follow(topic: Topic): () => void {
    const end = this.source.feed?.listen(topic, {
      rows: (rows) => {
        this.#waiting.push(rows);
        this.#soon();
      },
      again: () => this.#askAgain(50),
    });
    return () => end?.();
  }

  close(): void {
    this.#stop?.abort();
    clearTimeout(this.#frame);
    clearTimeout(this.#again);
  }

  #soon(): void {
    if (this.#waiting.length === 0 || this.#frame) return;
    this.#frame = setTimeout(() => {
      this.#frame = undefined;
      // Rows that come while a question is under way may be missing in its answer: they wait for it.
      if (!this.asking) this.#take();
    }, FRAME);
  }

  #take(): void {
    const waiting = this.#waiting;
    const wanted = this.#ask?.();
    this.#waiting = [];
    if (!this.reply || !wanted || waiting.length === 0) return;
    const { fields } = wanted.query;
    if (this.reply.method === 'aggregate') {
      this.#askAgain(BUCKETS);
      return;
    }
    let series = this.reply.series;
    for (const all of waiting) {
      const rows = fitting(all, wanted.query.where);
      if (rows.values.length === 0) continue;
      const appended = this.append(rows, fields);
      if (appended === false) this.#askAgain(FRAME);
      if (appended === undefined) series = joined(series, rows, fields, wanted.from);
    }
    if (series !== this.reply.series) this.reply = { ...this.reply, series };
    const points = series.reduce((most, one) => Math.max(most, one.times.length), 0);
    // Rows add up on a series that was thinned out: let the server thin it out anew.
    if (points > wanted.width * 6) this.#askAgain(BUCKETS);
  }

  #askAgain(pause: number): void {
    if (this.#again) return;
    const wait = Math.max(pause, this.#asked + Math.min(pause * 2, BUCKETS) - Date.now());
    this.#again = setTimeout(() => {
      this.#again = undefined;
      if (this.#ask) void this.ask(this.#ask);
    }, wait);
  }
}
