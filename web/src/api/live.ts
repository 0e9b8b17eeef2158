/**
 * New rows as they are stored: `GET /v1/live`, server-sent events read with `fetch`, so that the project can be named and a
 * refusal can be read.
 *
 * ```text
 * hello ─▶ rows ─▶ rows ─▶ (connection lost) ─▶ again, since the last point: nothing missed, nothing twice
 *            └ gap: what was held is gone; ask for it anew, then go on
 *
 * end (the server stops, or the right is gone) ─▶ again, too: where it is gone for good, the refusal says so
 * ```
 *
 * A hidden page has no connection; of many visible ones a few are connected all the time, the others look in now and then,
 * from their last point on, so that they miss nothing either.
 */
import { type ProblemError, type Query, aborted, send } from './call';
import { exactJson } from './json';
import { turns } from './turns';

/** Rows that were stored; each value list begins as `fields` does: time, device_id. */
export interface LiveRows {
  namespace: string;
  fields: string[];
  values: (string | number | boolean | null)[][];
}

export interface LiveTopic {
  namespace?: string;
  devices?: string[] | null;
  fields?: string[] | null;
  /** A point to go on from, as an earlier `hello` or `rows` gave it. */
  since?: string;
}

export type LiveState = 'connecting' | 'open' | 'waiting' | 'ended';

export interface LiveHandlers {
  rows: (rows: LiveRows) => void;
  /** Rows may have been missed: ask for all that is on screen again. */
  gap?: () => void;
  state?: (state: LiveState, why?: ProblemError | Error | string) => void;
  /** The server's clock less ours, in milliseconds, learnt at each `hello`. */
  clock?: (ahead: number) => void;
}

export interface LiveEvent {
  event: string;
  id: string;
  data: string;
}

/** Cuts a stream of text into events; what is incomplete waits for the rest. */
export class EventReader {
  private rest = '';

  push(text: string): LiveEvent[] {
    this.rest += text;
    const events: LiveEvent[] = [];
    for (;;) {
      const end = /\r?\n\r?\n/.exec(this.rest);
      if (!end) return events;
      const block = this.rest.slice(0, end.index);
      this.rest = this.rest.slice(end.index + end[0].length);
      const event: LiveEvent = { event: 'message', id: '', data: '' };
      const data: string[] = [];
      for (const line of block.split(/\r?\n/)) {
        const at = line.indexOf(':');
        if (at === 0) continue;
        const name = at < 0 ? line : line.slice(0, at);
        const value = at < 0 ? '' : line.slice(at + 1).replace(/^ /, '');
        if (name === 'data') data.push(value);
        else if (name === 'event') event.event = value;
        else if (name === 'id') event.id = value;
      }
      event.data = data.join('\n');
      // An id alone says how far all is told, though nothing that was asked for came.
      if (data.length > 0 || event.event !== 'message' || event.id !== '') events.push(event);
    }
  }
}

/** How long to wait before the n-th attempt in a row that failed. */
export const pause = (failures: number): number => Math.min(5_000, 500 * 2 ** Math.max(0, failures - 1));

/** Without a sign of life for this long (the server sends a comment each 15 s) a connection is taken for dead. */
const SILENCE = 45_000;

/** A page that is hidden for so long gives its connection up. */
const HIDDEN = 1_000;
/** Who has no turn stays for so long after the greeting ... */
const LOOK = 250;
/** ... and comes back after this. */
const BETWEEN_LOOKS = 2_000;

const isHidden = () => typeof document !== 'undefined' && document.visibilityState === 'hidden';

/** Listens until the returned function is called. Reconnects by itself. */
export function live(topic: LiveTopic, handlers: LiveHandlers): () => void {
  const stop = new AbortController();
  let turn = turns().take();
  let point = topic.since ?? '';
  let failures = 0;

  async function once(): Promise<'again' | 'ended' | 'later'> {
    const attempt = new AbortController();
    const abort = () => attempt.abort();
    stop.signal.addEventListener('abort', abort);
    let watch = setTimeout(abort, SILENCE);
    // Given up of our own accord: for others' sake, or because nobody looks.
    let gaveUp = false;
    let greeted = false;
    let hiddenSince = 0;
    const look = setInterval(() => {
      hiddenSince = isHidden() ? hiddenSince || Date.now() : 0;
      if (!greeted) return;
      if ((hiddenSince > 0 && Date.now() - hiddenSince >= HIDDEN) || !turn.listens()) {
        gaveUp = true;
        abort();
      }
    }, LOOK);
    try {
      const query: Query = {
        namespace: topic.namespace,
        device_id: topic.devices?.join(','),
        fields: topic.fields?.join(','),
        since: point,
      };
      const reply = await send('GET', '/v1/live', { query, signal: attempt.signal, headers: { accept: 'text/event-stream' } });
      if (!reply.body) return 'again';
      const events = new EventReader();
      const body = reply.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { done, value } = await body.read();
        if (done) return 'again';
        clearTimeout(watch);
        watch = setTimeout(abort, SILENCE);
        for (const event of events.push(value)) {
          if (stop.signal.aborted) return 'ended';
          if (handle(event) === 'end') return 'again';
          greeted = true;
        }
      }
    } catch (error) {
      if (gaveUp) return 'later';
      throw error;
    } finally {
      clearTimeout(watch);
      clearInterval(look);
      stop.signal.removeEventListener('abort', abort);
      attempt.abort();
    }
  }

  function handle(event: LiveEvent): 'end' | undefined {
    if (event.id) point = event.id;
    if (event.event === 'hello') {
      failures = 0;
      const hello = JSON.parse(event.data) as { point: string | number; server_timestamp: number };
      if (!point) point = String(hello.point);
      handlers.clock?.(hello.server_timestamp - Date.now());
      handlers.state?.('open');
    } else if (event.event === 'rows') {
      handlers.rows(exactJson<LiveRows>(event.data));
    } else if (event.event === 'gap') {
      // The next connection goes on from what this one says, not from what is gone.
      if (!event.id) point = '';
      handlers.gap?.();
    } else if (event.event === 'end') {
      return 'end';
    }
    return undefined;
  }

  async function run(): Promise<void> {
    handlers.state?.('connecting');
    while (!stop.signal.aborted) {
      let why: Error | undefined;
      try {
        if (isHidden()) {
          // Others shall have its turn meanwhile.
          turn.leave();
          await seen();
          if (stop.signal.aborted) return;
          turn = turns().take();
        }
        const outcome = await once();
        if (outcome === 'ended') return;
        if (outcome === 'later') {
          if (!isHidden()) await wait(BETWEEN_LOOKS);
          continue;
        }
      } catch (error) {
        if (stop.signal.aborted) return;
        const status = (error as ProblemError).status;
        if (status >= 400 && status < 500 && status !== 408 && status !== 429) {
          handlers.state?.('ended', error as ProblemError);
          return;
        }
        why = aborted(error) ? undefined : (error as Error);
      }
      if (stop.signal.aborted) return;
      failures += 1;
      handlers.state?.('waiting', why);
      await wait(pause(failures));
    }
  }

  function wait(time: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        stop.signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, time);
      stop.signal.addEventListener('abort', done);
    });
  }

  /** Until someone looks at the page. */
  function seen(): Promise<void> {
    if (!isHidden()) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        if (isHidden() && !stop.signal.aborted) return;
        document.removeEventListener('visibilitychange', done);
        stop.signal.removeEventListener('abort', done);
        resolve();
      };
      document.addEventListener('visibilitychange', done);
      stop.signal.addEventListener('abort', done);
    });
  }

  void run().finally(() => turn.leave());
  return () => {
    turn.leave();
    stop.abort();
  };
}
