import { expect, test } from 'vitest';
import { snippets, unreachable } from './snippets';

const values = { server: 'https://iot.example:8443', project: 12, token: 'eyJ.a.b', device: 'bench-3' };

test('each snippet holds the values of its user', () => {
  for (const { id, text } of snippets(values)) {
    for (const value of ['https://iot.example:8443', '12', 'eyJ.a.b', 'bench-3']) expect(text, id).toContain(value);
  }
});

test('no value leaves its quotes', () => {
  const hostile = { ...values, token: `a"b'c\\d` };
  const of = (id: string) => snippets(hostile).find((one) => one.id === id)!.text;
  expect(of('python')).toContain(`"a\\"b'c\\\\d"`);
  expect(of('curl')).toContain(`'a"b'\\''c\\d'`);
});

test('it is said when only this machine reaches the server', () => {
  for (const here of ['http://localhost:8420', 'http://127.0.0.1:8420', 'http://[::1]:8420']) expect(unreachable(here)).not.toBe('');
  expect(unreachable('http://192.168.1.5:8420')).toBe('');
  expect(unreachable('https://localhost.example')).toBe('');
});
