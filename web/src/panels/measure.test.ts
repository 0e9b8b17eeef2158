import { describe, expect, it } from 'vitest';
import { levelOf, marksOf, numberOf, roundScale, shown } from './measure';

describe('numbers on panels', () => {
  it('have few digits and a real minus', () => {
    expect(shown(21.4567)).toBe('21.46');
    expect(shown(-0.5)).toBe('\u22120.5');
    expect(shown(-0)).toBe('0');
    expect(shown(-0.001, 1)).toBe('0.0');
    expect(shown(1234.5678)).toBe('1235');
    expect(shown(1234567)).toBe('1,234,567');
    expect(shown(3, 2)).toBe('3.00');
    expect(shown(1e12)).toBe('1.00e12');
    expect(shown(0.00001)).toBe('1.00e-5');
  });

  it('may be something else', () => {
    expect(shown(null)).toBe('–');
    expect(shown(Number.NaN)).toBe('–');
    expect(shown(true)).toBe('true');
    expect(shown('<b>x</b>')).toBe('<b>x</b>');
  });

  it('pass thresholds upwards, or downwards when the alarm lies below the warning', () => {
    expect(levelOf(5, 10, 20)).toBe('good');
    expect(levelOf(10, 10, 20)).toBe('warning');
    expect(levelOf(25, 10, 20)).toBe('alarm');
    expect(levelOf(25, 20, 10)).toBe('good');
    expect(levelOf(15, 20, 10)).toBe('warning');
    expect(levelOf(5, 20, 10)).toBe('alarm');
    expect(levelOf('x', 1, 2)).toBe('good');
    expect(levelOf(5, undefined, 4)).toBe('alarm');
  });

  it('are read from options with care', () => {
    expect(numberOf('1.5')).toBe(1.5);
    expect(numberOf('')).toBeUndefined();
    expect(numberOf('abc')).toBeUndefined();
    expect(numberOf(Infinity)).toBeUndefined();
  });

  it('colour the stretches of a gauge, whichever end is bad', () => {
    expect(marksOf(0, 70, 90)).toEqual([{ from: 70, kind: 'warn' }, { from: 90, kind: 'bad' }]);
    expect(marksOf(0, 20, 10)).toEqual([{ from: 0, kind: 'bad' }, { from: 10, kind: 'warn' }, { from: 20, kind: 'ok' }]);
    expect(marksOf(0)).toEqual([]);
  });

  it('lie on a scale of round numbers', () => {
    expect(roundScale([37])).toEqual({ least: 0, most: 50 });
    expect(roundScale([-3, 180])).toEqual({ least: -5, most: 200 });
    expect(roundScale([])).toEqual({ least: 0, most: 1 });
  });
});
