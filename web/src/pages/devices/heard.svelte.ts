// What a device said last in each field, kept fresh by its new rows.

import * as api from '../../api/devices';
import type { LiveRows } from '../../api/live';
import { type Source, ofProject } from '../../panels/source';
import type { Feed } from '../../panels/feed';

export class Heard {
  /** Null until it is known. */
  latest = $state.raw<api.Latest[] | null>(null);
  failed = $state.raw<unknown>(null);
  /** When the last row came that we saw come. */
  arrived = $state<number | null>(null);
  readonly source: Source;

  #ends: (() => void)[] = [];
  #stop = new AbortController();
  #followed = '';

  constructor(
    readonly id: string,
    private readonly feed: Feed,
    private readonly clock: { now: number },
  ) {
    this.source = ofProject(feed);
    void this.load();
    // A field that is new is not among those that are listened to: look from time to time.
    const timer = setInterval(() => !document.hidden && void this.load(), 30_000);
    this.#ends.push(() => clearInterval(timer));
  }

  async load(): Promise<void> {
    try {
      const found = await api.latest(this.id, { signal: this.#stop.signal });
      this.failed = null;
      this.#take(found);
    } catch (error) {
      if (!this.#stop.signal.aborted && this.latest === null) this.failed = error;
    }
  }

  /** The namespaces in which it said something, each with its fields. */
  get namespaces(): { name: string; fields: { name: string; type: string }[] }[] {
    const found = new Map<string, { name: string; type: string }[]>();
    for (const { namespace, field, type } of this.latest ?? []) {
      found.set(namespace, [...(found.get(namespace) ?? []), { name: field, type }]);
    }
    return [...found].map(([name, fields]) => ({ name, fields: fields.sort((a, b) => (a.name < b.name ? -1 : 1)) }));
  }

  close(): void {
    this.#stop.abort();
    for (const end of this.#ends) end();
  }

  #take(found: api.Latest[]): void {
    this.latest = found;
    const wanted = JSON.stringify(this.namespaces);
    if (wanted === this.#followed) return;
    this.#followed = wanted;
    const [timer, ...listening] = this.#ends;
    for (const end of listening) end();
    this.#ends = timer ? [timer] : [];
    for (const { name, fields } of this.namespaces) {
      const topic = { namespace: name, devices: [this.id], fields: fields.map((field) => field.name) };
      this.#ends.push(this.feed.listen(topic, { rows: (rows) => this.#join(rows), again: () => void this.load() }));
    }
  }

  #join(rows: LiveRows): void {
    const time = rows.fields.indexOf('time');
    const latest = new Map((this.latest ?? []).map((one) => [`${one.namespace}\n${one.field}`, one]));
    for (const row of rows.values) {
      const at = Number(row[time]);
      rows.fields.forEach((field, column) => {
        const known = latest.get(`${rows.namespace}\n${field}`);
        const value = row[column];
        if (!known || value === null || value === undefined || at < known.time) return;
        latest.set(`${rows.namespace}\n${field}`, { ...known, time: at, value });
      });
    }
    this.latest = [...latest.values()];
    this.arrived = this.clock.now;
  }
}
