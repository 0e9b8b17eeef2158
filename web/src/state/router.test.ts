import { expect, test } from 'vitest';
import { match } from './router.svelte';

test('a pattern gives the parts of a path', () => {
  expect(match('/p/:project/devices/:device', '/p/7/devices/a%3Ab')).toEqual({ project: '7', device: 'a:b' });
  expect(match('/', '/')).toEqual({});
  expect(match('/projects', '/projects/')).toEqual({});
});

test('what does not fit gives nothing', () => {
  expect(match('/p/:project', '/p')).toBeNull();
  expect(match('/p/:project', '/q/1')).toBeNull();
  expect(match('/p/:project', '/p/%E0%A4%A')).toBeNull();
});
