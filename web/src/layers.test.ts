import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';

/** From the address down to the server. A module names modules of its own layer and of those after it. */
const LAYERS = [
  'main.ts', 'App.svelte', 'frame', 'routes.ts', 'pages', 'features', 'panels', 'queries', 'chart', 'time', 'state', 'ui', 'api',
];

const SOURCE = import.meta.dirname;

interface Edge {
  from: string;
  to: string;
}

/** What a file is imported as: without what its name may end in. */
function moduleOf(path: string): string {
  return path.replace(/(\.svelte)?\.ts$|\.svelte$/, '').replace(/\/index$/, '');
}

/** Each import of one of the app's modules by another. */
function edges(): Edge[] {
  const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' });
  const sources = files.filter((path) => /\.(ts|svelte)$/.test(path) && !/\.(test|d)\.ts$/.test(path));
  return sources.flatMap((path) => {
    const names = readFileSync(join(SOURCE, path), 'utf8').matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g);
    const named = [...names].map((found) => normalize(join(dirname(path), found[1] ?? '')));
    return named.filter((to) => !to.startsWith('..')).map((to) => ({ from: path, to }));
  });
}

const layerOf = (path: string) => LAYERS.findIndex((layer) => path === layer || path.startsWith(`${layer}/`) || `${path}.ts` === layer);
const shown = ({ from, to }: Edge) => `${from} names ${to}`;

describe('the layers', () => {
  it('hold every module', () => {
    const known = edges().flatMap(({ from, to }) => [from, to]);
    expect(known.length).toBeGreaterThan(300);
    expect(known.filter((path) => layerOf(path) < 0 && !path.endsWith('vite-env'))).toEqual([]);
  });

  it('are named from above alone', () => {
    expect(edges().filter(({ from, to }) => layerOf(to) < layerOf(from)).map(shown)).toEqual([]);
  });

  it('have pages that know nothing of each other', () => {
    const page = (path: string) => /^pages\/([^/]+)\//.exec(path)?.[1];
    const strangers = edges().filter(({ from, to }) => page(from) && page(to) && page(from) !== page(to));
    expect(strangers.map(shown)).toEqual([]);
  });

  it('have no two modules that need each other', () => {
    const below = new Map<string, string[]>();
    for (const { from, to } of edges()) below.set(moduleOf(from), [...(below.get(moduleOf(from)) ?? []), moduleOf(to)]);
    const done = new Set<string>();
    const circles: string[] = [];
    const walk = (module: string, path: string[]) => {
      if (path.includes(module)) circles.push([...path.slice(path.indexOf(module)), module].join(' → '));
      if (path.includes(module) || done.has(module)) return;
      for (const next of below.get(module) ?? []) walk(next, [...path, module]);
      done.add(module);
    };
    for (const module of below.keys()) walk(module, []);
    expect(circles).toEqual([]);
  });
});
