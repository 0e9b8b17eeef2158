import { expect, test } from 'vitest';
import { snippets, unreachable } from './snippets';

const values = { server: 'https://iot.example:8443', project: 12, token: 'eyJ.a.b', device: 'bench-3' };

test('each snippet holds the values of its user', () => {
  for (const { id, text } of snippets(values)) {
    for (const value of ['https://iot.example:8443', '12', 'eyJ.a.b', 'bench-3']) expect(text, id).toContain(value);
  }
});

test('the Rust program is the example with the values in their places, and nothing else', () => {
  const text = snippets(values).find((one) => one.id === 'rust')!.text;
  expect(text).toMatch(/^use std::/);
  expect(text).toContain('Client::builder(12, "eyJ.a.b")\n        .backend("https://iot.example:8443")\n        .register_or_set_id("bench-3")\n');
  for (const place of ['"token"', 'localhost', '"thermometer"', '//!', '#![']) expect(text).not.toContain(place);
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
