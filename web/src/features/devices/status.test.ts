import { describe, expect, it } from 'vitest';
import { fieldOf, wordsOf, wrongId } from './status';

describe("a device's status", () => {
  it('has words for each state', () => {
    expect(wordsOf('online').label).toBe('Online');
    expect(wordsOf('never_seen').kind).toBe('neutral');
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
