/** The real program on a port of its own, with a folder of its own, and what tests ask of it without a page. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const target = resolve(new URL('../..', import.meta.url).pathname, process.env.CARGO_TARGET_DIR ?? 'target');
/** The program under test. */
export const program = process.env.IOBEAM_BIN ?? join(target, 'debug/iobeam');

const soon = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Waits until `true`, and says what for when it never is. */
export async function until(what: string, is: () => boolean | Promise<boolean>, patience = 30_000): Promise<void> {
  const end = Date.now() + patience;
  while (!(await is())) {
    if (Date.now() > end) throw new Error(`in vain: ${what}`);
    await soon(25);
  }
}

export class Server {
  private process: ChildProcess | null = null;
  private said = '';
  readonly folder = mkdtempSync(join(tmpdir(), 'iobeam-e2e-'));
  private port = 0;

  constructor(private readonly settings: string[] = []) {
    if (!existsSync(program)) throw new Error(`there is no ${program}: cargo build -p iobeam-cli, or set IOBEAM_BIN`);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Starts it; again on the same port, if it ran before. */
  async start(): Promise<void> {
    const listening = join(this.folder, 'listening');
    rmSync(listening, { force: true });
    const given = [
      ...['serve', '--data-dir', this.folder, '--listen', `127.0.0.1:${this.port}`],
      // Many sign-ins come from one address here.
      ...['--login-attempts', '100000', '--log-level', 'warn'],
      // The pages as they were just built, whether or not they are in the program already.
      ...(process.env.IOBEAM_WEB_DIR ? ['--web-dir', process.env.IOBEAM_WEB_DIR] : []),
      ...this.settings,
    ];
    this.process = spawn(program, given, { stdio: ['ignore', 'pipe', 'pipe'] });
    const keep = (text: Buffer) => (this.said = (this.said + text.toString()).slice(-4000));
    this.process.stdout?.on('data', keep);
    this.process.stderr?.on('data', keep);
    await until(`${program} serves its pages; it said: ${this.said}`, async () => {
      if (this.process?.exitCode !== null) throw new Error(`the server ended: ${this.said}`);
      try {
        this.port = Number(JSON.parse(readFileSync(listening, 'utf8')).http.split(':')[1]);
        const reply = await fetch(this.url, { headers: { accept: 'text/html' } });
        return reply.ok && (await reply.text()).includes('<div id="app">');
      } catch {
        return false;
      }
    });
  }

  /** Ends it, and leaves its folder as it is. */
  async stop(): Promise<void> {
    const process = this.process;
    if (!process || process.exitCode !== null || process.signalCode !== null) return;
    const ended = new Promise((resolve) => process.once('exit', resolve));
    process.kill('SIGTERM');
    const stuck = setTimeout(() => process.kill('SIGKILL'), 12_000);
    await ended;
    clearTimeout(stuck);
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** The key in the newest letter to this address. */
  async key(to: string, purpose: 'verify' | 'reset' | 'invite'): Promise<string> {
    const outbox = join(this.folder, 'outbox');
    let key = '';
    await until(`a letter to ${to}`, () => {
      if (!existsSync(outbox)) return false;
      for (const name of readdirSync(outbox).sort()) {
        // Lines of letters may be broken with a `=` at their end.
        const letter = readFileSync(join(outbox, name), 'utf8').replaceAll('=\r\n', '').replaceAll('=3D', '=');
        if (!letter.includes(to)) continue;
        const found = new RegExp(`/${purpose}#(\\S+)`).exec(letter) ?? (name.includes(purpose) ? /^\s*([A-Za-z0-9_-]{20,})\s*$/m.exec(letter) : null);
        if (found) key = found[1]!;
      }
      return key !== '';
    });
    return key;
  }

  /** Asks the REST API with a token. */
  async ask<T>(method: string, path: string, token: string, body?: unknown): Promise<T> {
    const reply = await fetch(this.url + path, {
      method,
      headers: {
        ...(token ? { authorization: token.includes(' ') ? token : `Bearer ${token}` } : {}),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await reply.text();
    if (!reply.ok) throw new Error(`${method} ${path}: ${reply.status} ${text}`);
    return (text ? JSON.parse(text) : undefined) as T;
  }
}
