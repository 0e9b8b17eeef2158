/** Programs of users: what the pages give them to run is run here, in a folder and a home of its own. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { program } from './server';

/** A Python with the original client, made once, before the first worker begins (`prepare.ts`). */
export function python(): string {
  const given = process.env.ORIGINAL_PYTHON;
  if (given) return given;
  const folder = new URL('../.venv', import.meta.url).pathname;
  const found = join(folder, 'bin/python');
  const done = join(folder, 'done');
  if (!existsSync(done)) {
    execFileSync('python3', ['-m', 'venv', '--clear', folder]);
    execFileSync(found, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', 'iobeam==0.11.0', 'pyjwt<2.11'], { stdio: 'inherit' });
    writeFileSync(done, '');
  }
  return found;
}

export class Run {
  readonly folder = mkdtempSync(join(tmpdir(), 'iobeam-e2e-run-'));
  private readonly process: ChildProcess;
  said = '';
  readonly ended: Promise<number | null>;

  private constructor(command: string, args: string[], files: Record<string, string>) {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(this.folder, name), text);
    const env = { PATH: `${dirname(program)}:${process.env.PATH}`, HOME: this.folder, PYTHONUNBUFFERED: '1', NO_PROXY: '127.0.0.1' };
    this.process = spawn(command, args, { cwd: this.folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
    const keep = (text: Buffer) => (this.said += text.toString());
    this.process.stdout?.on('data', keep);
    this.process.stderr?.on('data', keep);
    this.ended = new Promise((resolve) => this.process.once('exit', resolve));
  }

  static python(text: string): Run {
    return new Run(python(), ['program.py'], { 'program.py': text });
  }

  static shell(text: string): Run {
    return new Run('bash', ['-euo', 'pipefail', 'script.sh'], { 'script.sh': text });
  }

  async stop(): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) this.process.kill('SIGKILL');
    await this.ended;
    rmSync(this.folder, { recursive: true, force: true });
  }
}
