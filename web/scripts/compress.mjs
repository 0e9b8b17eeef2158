// Writes each text file of dist/ compressed beside itself, and says what a first visit loads.
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const dist = new URL('../dist/', import.meta.url).pathname;
const text = /\.(js|css|html|svg|json|webmanifest|txt)$/;
const limit = 300 * 1024;

function* files(folder) {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) yield* files(path);
    else yield path;
  }
}

const compressed = new Map();
for (const path of [...files(dist)]) {
  if (!text.test(path)) continue;
  const bytes = readFileSync(path);
  const brotli = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });
  writeFileSync(`${path}.br`, brotli);
  writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }));
  compressed.set(path.slice(dist.length), brotli.length);
}

// What index.html names is loaded before anything is seen.
const page = readFileSync(join(dist, 'index.html'), 'utf8');
const first = ['index.html', ...[...page.matchAll(/(?:src|href)="\/([^"]+)"/g)].map((found) => found[1])];
const bytes = first.reduce((sum, name) => sum + (compressed.get(name) ?? 0), 0);
const all = [...compressed.values()].reduce((sum, size) => sum + size, 0);
console.log(`first load ${(bytes / 1024).toFixed(1)} KiB compressed, everything ${(all / 1024).toFixed(1)} KiB`);
if (bytes > limit) {
  console.error(`the first load is over ${limit / 1024} KiB: load parts of it later`);
  process.exit(1);
}
