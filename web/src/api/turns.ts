/**
 * Who of all tabs of one browser keeps a connection of live events open: browsers allow six connections to a host over
 * HTTP/1.1, and ten open pages must not use them up.
 *
 * ```text
 * tab ── here, since when, still here ──▶ channel of all tabs ──▶ the first few listen all the time,
 *                                                                the others look in now and then
 * ```
 *
 * Who listens follows from when each began, so that all tabs agree without anyone in charge. A tab that says nothing for
 * a while is gone. Where browsers have no channel between tabs, each listens for itself.
 */

/** Connections of live events that one browser keeps open. */
export const MAX_STREAMS = 2;
/** How often a tab says that it is still here, in milliseconds. */
const BEAT = 1_000;
/** A tab that said nothing for so long is gone; tabs in the background may be slow. */
const GONE = 5_000;

interface Message {
  id: string;
  since: number;
  left?: boolean;
  /** Whoever hears it for the first time is asked to answer. */
  asks?: boolean;
}

interface Known {
  since: number;
  heard: number;
}

/** What a channel between tabs has that is used here. */
export interface Channel {
  postMessage(message: unknown): void;
  onmessage: ((event: { data: unknown }) => void) | null;
}

/** One listener's place among all of the browser. */
export interface Turn {
  /** Whether it may listen all the time. */
  listens(): boolean;
  leave(): void;
}

export class Turns {
  #own = new Map<string, number>();
  #others = new Map<string, Known>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #count = 0;

  constructor(
    private readonly channel: Channel | null,
    private readonly now: () => number = () => Date.now(),
    private readonly name: string = Math.random().toString(36).slice(2),
  ) {
    if (channel) channel.onmessage = (event) => this.#hear(event.data as Message);
  }

  /** Takes the last place. */
  take(): Turn {
    const id = `${this.name}-${(this.#count += 1)}`;
    const since = this.now();
    this.#own.set(id, since);
    this.#say({ id, since, asks: true });
    this.#timer ??= setInterval(() => this.#beat(), BEAT);
    return {
      listens: () => this.#before(since, id) < MAX_STREAMS,
      leave: () => {
        if (!this.#own.delete(id)) return;
        this.#say({ id, since, left: true });
        if (this.#own.size > 0) return;
        clearInterval(this.#timer);
        this.#timer = undefined;
      },
    };
  }

  /** How many came before. */
  #before(since: number, id: string): number {
    if (!this.channel) return 0;
    const gone = this.now() - GONE;
    for (const [other, known] of this.#others) if (known.heard < gone) this.#others.delete(other);
    const first = ([other, theirs]: [string, number]) => theirs < since || (theirs === since && other < id);
    const others = [...this.#others].map(([other, known]): [string, number] => [other, known.since]);
    return [...this.#own, ...others].filter(first).length;
  }

  #hear(message: Message): void {
    if (message.left) {
      this.#others.delete(message.id);
      return;
    }
    this.#others.set(message.id, { since: message.since, heard: this.now() });
    if (message.asks) this.#beat();
  }

  #beat(): void {
    for (const [id, since] of this.#own) this.#say({ id, since });
  }

  #say(message: Message): void {
    this.channel?.postMessage(message);
  }
}

const channel = (): Channel | null => {
  if (typeof BroadcastChannel === 'undefined') return null;
  return new BroadcastChannel('iobeam-live') as unknown as Channel;
};

let ofThisTab: Turns | undefined;

/** The turns of this tab's listeners among those of all tabs. */
export const turns = (): Turns => (ofThisTab ??= new Turns(channel()));
