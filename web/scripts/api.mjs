// Keeps src/api/openapi.json, the description of the REST API, and makes schema.d.ts, its types, which git does not keep.
//
//   node scripts/api.mjs          asks the program for its description (IOBEAM_URL: a running one; else IOBEAM_BIN is
//                                 started), writes src/api/openapi.json and schema.d.ts
//   node scripts/api.mjs --types  writes schema.d.ts alone, from openapi.json as it is
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import openapiTS, { astToString } from 'openapi-typescript';

const here = new URL('../src/api/', import.meta.url).pathname;
const description = join(here, 'openapi.json');
const types = join(here, 'schema.d.ts');
const head = '// Written by `npm run api` from openapi.json. Do not edit.\n\n';

const generate = async () => head + astToString(await openapiTS(JSON.parse(readFileSync(description, 'utf8'))));

/** The description that the program gives. */
async function ask() {
  if (process.env.IOBEAM_URL) return (await fetch(`${process.env.IOBEAM_URL}/v1/openapi.json`)).json();
  const target = resolve(new URL('../..', import.meta.url).pathname, process.env.CARGO_TARGET_DIR ?? 'target');
  const program = process.env.IOBEAM_BIN ?? join(target, 'debug/iobeam');
  const folder = mkdtempSync(join(tmpdir(), 'iobeam-api-'));
  const server = spawn(program, ['serve', '--data-dir', folder, '--listen', '127.0.0.1:0'], { stdio: 'ignore' });
  try {
    const listening = join(folder, 'listening');
    for (let tries = 0; !existsSync(listening); tries += 1) {
      if (tries > 600 || server.exitCode !== null) throw new Error(`${program} did not start`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const { http } = JSON.parse(readFileSync(listening, 'utf8'));
    return await (await fetch(`http://${http}/v1/openapi.json`)).json();
  } finally {
    server.kill();
    await new Promise((resolve) => (server.exitCode === null ? server.once('exit', resolve) : resolve()));
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The server names its own keys (`x-…`) in another order after each start: here they come last, and in one order. */
function ordered(_, value) {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value;
  const own = Object.keys(value).filter((key) => key.startsWith('x-'));
  const last = own.sort().map((key) => [key, value[key]]);
  const others = Object.entries(value).filter(([key]) => !key.startsWith('x-'));
  return Object.fromEntries([...others, ...last]);
}

if (!process.argv.includes('--types')) {
  writeFileSync(description, `${JSON.stringify(await ask(), ordered, 1)}\n`);
}
writeFileSync(types, await generate());
