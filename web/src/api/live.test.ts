import { expect, test } from 'vitest';
import { EventReader, pause } from './live';

test('an event that comes in pieces is one event', () => {
  const reader = new EventReader();
  expect(reader.push('event: ro')).toEqual([]);
  expect(reader.push('ws\nid: 7\ndata: {"a":1}\n')).toEqual([]);
  expect(reader.push('\n: still here\n\nevent: gap\n\n')).toEqual([
    { event: 'rows', id: '7', data: '{"a":1}' },
    { event: 'gap', id: '', data: '' },
  ]);
});

test('an id alone is told, as the point to come back with', () => {
  expect(new EventReader().push(': still here\nid: 9\n\n: nothing\n\n')).toEqual([{ event: 'message', id: '9', data: '' }]);
});

test('lines that end as on other systems, and data of several lines', () => {
  const reader = new EventReader();
  expect(reader.push('data: a\r\ndata:b\r\n\r\n')).toEqual([{ event: 'message', id: '', data: 'a\nb' }]);
});

test('attempts come ever later, but not later than after five seconds', () => {
  expect([1, 2, 3, 20].map(pause)).toEqual([500, 1000, 2000, 5_000]);
});
