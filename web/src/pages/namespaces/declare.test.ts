import { describe, expect, test } from 'vitest';
import { doubles, labelOf, labelText, nameWrong, retentionText, retentionWrong } from './declare';

describe('a namespace, as it is written down', () => {
  test('names are told what is wrong with them', () => {
    expect(nameWrong('wind-speed_2', 'field')).toBe('');
    expect(nameWrong('wind speed', 'field')).toBe("A space is not allowed; use A-Z, a-z, 0-9, '_' or '-'");
    expect(nameWrong('<b>', 'namespace')).toContain("'<' is not allowed");
    expect(nameWrong('Time', 'field')).toContain('a meaning of its own');
    expect(nameWrong('time', 'namespace')).toBe('');
    expect(nameWrong('x'.repeat(256), 'field')).toBe('At most 255 characters');
  });
  test('names that differ by case alone are the same', () => expect(doubles(['a', 'B', 'b ', '', ''])).toEqual(new Set(['b'])));
  test('labels keep their type on the way to the server and back', () => {
    expect(['2', '-1.5', 'true', 'north', '"2"', '007', '9007199254740993'].map(labelOf)).toEqual([2, -1.5, true, 'north', '2', 7, '9007199254740993']);
    for (const value of ['2', 'true', 'x', 5, false, '"']) expect(labelOf(labelText(value))).toBe(value);
  });
  test('retentions read as sentences do', () => {
    expect(['30d', '1y', 'none', 'P1DT2H'].map(retentionText)).toEqual(['30 days', '1 year', 'for ever', 'P1DT2H']);
    expect(['45d', '3600', 'P30D', '', 'default', 'none'].map(retentionWrong)).toEqual(['', '', '', '', '', '']);
    expect(retentionWrong('soon')).not.toBe('');
  });
});
