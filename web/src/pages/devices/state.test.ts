import { describe, expect, it } from 'vitest';
import { fieldOf, queryOf, wordsOf, wrongId } from './state';

describe('the device list', () => {
  it('is what its address says', () => {
    const url = new URLSearchParams('search=cellar&type=pump&state=late&sort=-last_seen&offset=100&count=100');
    expect(queryOf(url)).toEqual({ search: 'cellar', type: 'pump', state: 'late', sort: '-last_seen', offset: 100, count: 100 });
  });

  it('takes no harm from an address that is wrong', () => {
    const url = new URLSearchParams('state=asleep&sort=password&offset=-3&count=1000000');
    expect(queryOf(url)).toEqual({ search: '', type: '', state: '', sort: 'name', offset: 0, count: 50 });
  });

  it('has words for each state', () => {
    expect(wordsOf('online').label).toBe('On-line');
    expect(wordsOf('never').kind).toBe('neutral');
    expect(wordsOf(undefined).label).toBe('Unknown');
  });
});

describe('a new device', () => {
  it('has its id checked while it is typed', () => {
    expect(wrongId('cellar-1:a_b')).toBe('');
    expect(wrongId('a b')).toBe("' ' at position 2 is not allowed; use A-Z, a-z, 0-9, '_', ':' or '-'");
    expect(wrongId('<img>')).toContain("'<' at position 1");
    expect(wrongId('x'.repeat(256))).toContain('this one has 256');
  });

  it('has a refusal shown at the field that it is about', () => {
    expect(fieldOf('The device id is taken')).toBe('id');
    expect(fieldOf('device_name: it is used by another device')).toBe('name');
    expect(fieldOf('The server is busy')).toBeNull();
  });
});
