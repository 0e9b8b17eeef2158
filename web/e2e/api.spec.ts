import described from '../src/api/openapi.json' with { type: 'json' };
import { expect, test } from './test';

test('the types of the app are made from what the program says of its calls', async ({ request }) => {
  const said = await (await request.get('/v1/openapi.json')).json();
  expect(said, 'after a change of routes: npm run api').toEqual(described);
});
