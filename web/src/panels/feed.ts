// New rows for all panels of a page over one connection per namespace.
//
// Panels say what they want; a connection asks for all of it. When what is wanted changes, the connection is made anew and
// the panels are told to ask again, so that none misses a row. A hidden page holds no connection: browsers allow few.

import { type LiveRows, type LiveState, live } from '../api/live';

export interface Topic {
  namespace: string;
  /** Null: of all devices. */
  devices: string[] | null;
  fields: string[];
}

export interface Listener {
  rows: (rows: LiveRows) => void;
  /** Something may have been missed: ask again. */
  again: () => void;
}

interface Line {
  stop: () => void;
  wanted: string;
}

/** What one connection asks for, so that all of the topics are served. Null: everything. */
export function union(topics: readonly Topic[]): { devices: string[] | null; fields: string[] } {
  const all = topics.some((topic) => topic.devices === null);
  const devices = [...new Set(topics.flatMap((topic) => topic.devices ?? []))].sort();
  return { devices: all ? null : devices, fields: [...new Set(topics.flatMap((topic) => topic.fields))].sort() };
}

/** A list of devices longer than this makes an address too long: all are asked for, and what is not wanted is left out. */
const MOST_DEVICES = 100;

/** The rows of a message that a topic is about, or null when there are none. */
export function partOf(message: LiveRows, topic: Topic): LiveRows | null {
  if (message.namespace !== topic.namespace) return null;
  if (!topic.fields.some((field) => message.fields.includes(field))) return null;
  if (topic.devices === null) return message;
  const at = message.fields.indexOf('device_id');
  const values = message.values.filter((row) => topic.devices?.includes(String(row[at])));
  return values.length === 0 ? null : values.length === message.values.length ? message : { ...message, values };
}

export class Feed {
  #listeners = new Map<number, { topic: Topic; listener: Listener }>();
  #lines = new Map<string, Line>();
  #states = new Map<string, LiveState>();
  #next = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #hidden = false;

  constructor(
    private readonly onstate: (state: LiveState, why?: unknown) => void = () => undefined,
    private readonly onclock: (ahead: number) => void = () => undefined,
  ) {
    if (typeof document !== 'undefined') document.addEventListener('visibilitychange', this.#seen);
  }

  /** Begins to listen; the function that it gives ends it. */
  listen(topic: Topic, listener: Listener): () => void {
    const id = (this.#next += 1);
    this.#listeners.set(id, { topic, listener });
    this.#soon();
    return () => {
      this.#listeners.delete(id);
      this.#soon();
    };
  }

  close(): void {
    if (typeof document !== 'undefined') document.removeEventListener('visibilitychange', this.#seen);
    clearTimeout(this.#timer);
    this.#listeners.clear();
    this.#drop();
  }

  #seen = (): void => {
    this.#hidden = document.hidden;
    // A short look at another tab costs nothing; rows are held meanwhile.
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => (this.#hidden ? this.#drop() : this.#follow()), this.#hidden ? 30_000 : 0);
  };

  #drop(): void {
    for (const line of this.#lines.values()) line.stop();
    this.#lines.clear();
    this.#states.clear();
  }

  /** Panels of a board come and go together: their wishes are gathered first. */
  #soon(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#follow(), 20);
  }

  #follow(): void {
    if (this.#hidden) return;
    const topics = new Map<string, Topic[]>();
    for (const { topic } of this.#listeners.values()) {
      if (topic.fields.length > 0) topics.set(topic.namespace, [...(topics.get(topic.namespace) ?? []), topic]);
    }
    for (const [namespace, line] of this.#lines) {
      if (topics.has(namespace)) continue;
      line.stop();
      this.#lines.delete(namespace);
      this.#states.delete(namespace);
    }
    for (const [namespace, of] of topics) this.#connect(namespace, of);
  }

  #connect(namespace: string, topics: Topic[]): void {
    const { devices, fields } = union(topics);
    const asked = devices && devices.length > MOST_DEVICES ? null : devices;
    const wanted = JSON.stringify([asked, fields]);
    const line = this.#lines.get(namespace);
    if (line?.wanted === wanted) return;
    line?.stop();
    const stop = live(
      { namespace, devices: asked, fields },
      {
        rows: (rows) => this.#deliver(rows),
        gap: () => this.#again(namespace),
        clock: (ahead) => this.onclock(ahead),
        state: (state, why) => {
          // What came between a panel's question and this connection's beginning is asked for once more.
          if (state === 'open' && this.#states.get(namespace) === 'connecting') this.#again(namespace);
          this.#states.set(namespace, state);
          this.onstate(this.#worst(), why);
        },
      },
    );
    this.#lines.set(namespace, { stop, wanted });
  }

  #deliver(rows: LiveRows): void {
    for (const { topic, listener } of this.#listeners.values()) {
      const part = partOf(rows, topic);
      if (part) listener.rows(part);
    }
  }

  #again(namespace: string): void {
    for (const { topic, listener } of this.#listeners.values()) if (topic.namespace === namespace) listener.again();
  }

  #worst(): LiveState {
    const states = [...this.#states.values()];
    return (['ended', 'waiting', 'connecting'] as const).find((state) => states.includes(state)) ?? 'open';
  }
}
