import described from '../src/api/openapi.json' with { type: 'json' };
import { expect, test } from './test';

test('the program serves every call that the types of the app know', async ({ request }) => {
  const { paths } = (await (await request.get('/v1/openapi.json')).json()) as { paths: Record<string, Record<string, unknown>> };
  const gone = Object.entries(described.paths).flatMap(([path, calls]) =>
    Object.keys(calls).filter((method) => !paths[path]?.[method]).map((method) => `${method} ${path}`),
  );
  expect(gone, 'after a change of routes: npm run api').toEqual([]);
});
