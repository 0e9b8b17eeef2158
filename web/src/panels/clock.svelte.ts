// What time it is for a board, and when it asks again.

import { lengthOf } from './board';

export class BoardClock {
  /** The server's time, as far as we know it. */
  now = $state(Date.now());
  /** Goes up when all panels shall ask again. */
  round = $state(0);
  /** How far the server's clock is ahead of ours, in milliseconds. */
  ahead = $state(0);

  /** Goes on until the returned function is called: each second, and a round at each interval. */
  run(refresh: string): () => void {
    const every = refresh === 'live' || refresh === 'off' ? null : lengthOf(refresh);
    let asked = Date.now();
    this.tick();
    const timer = setInterval(() => {
      this.tick();
      if (every === null || document.hidden || Date.now() - asked < every - 100) return;
      asked = Date.now();
      this.round += 1;
    }, 1000);
    return () => clearInterval(timer);
  }

  tick(): void {
    this.now = Date.now() + this.ahead;
  }

  /** Everything anew, now. */
  again(): void {
    this.tick();
    this.round += 1;
  }
}
