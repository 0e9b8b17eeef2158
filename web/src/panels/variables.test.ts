import { describe, expect, it } from 'vitest';
import type { PanelQuery, Variable } from './board';
import { fill, fillText, urlOf, valuesOf } from './variables';

const variables: Variable[] = [
  { name: 'device', kind: 'device', multi: true, value: ['a'] },
  { name: 'other', kind: 'device', value: '' },
  { name: 'interval', kind: 'interval', value: '15m' },
];
const query: PanelQuery = {
  namespace: 'input',
  fields: ['t'],
  devices: ['$device', 'z'],
  where: [],
  operator: 'mean',
  bucket: '$interval',
};

describe('variables', () => {
  it('come from the URL first, then from the board', () => {
    const values = valuesOf(variables, new URLSearchParams('v.device=b,c&v.other=x,y'));
    expect(values).toEqual({ device: ['b', 'c'], other: ['x'], interval: ['15m'] });
  });

  it('leave the URL clean when they are as stored', () => {
    const values = valuesOf(variables, new URLSearchParams());
    expect(urlOf(variables, values)).toEqual({ 'v.device': null, 'v.other': null, 'v.interval': null });
    expect(urlOf(variables, { ...values, device: [] })['v.device']).toBe('*');
    expect(valuesOf(variables, new URLSearchParams('v.device=*')).device).toEqual([]);
  });

  it('stand in queries for what was chosen', () => {
    const filled = fill(query, { variables }, { device: ['b', 'z'], interval: ['1h'] });
    expect(filled.devices).toEqual(['b', 'z']);
    expect(filled.bucket).toBe('1h');
    expect(fill(query, { variables }, { device: [] }).devices).toBeNull();
    expect(fill({ ...query, bucket: '$nobody' }, { variables }, {}).bucket).toBe('$nobody');
  });

  it('stand in titles as plain text', () => {
    expect(fillText('$device by $interval, $5', { variables }, { device: ['<img>'], interval: [] })).toBe(
      '<img> by auto, $5',
    );
    expect(fillText('of $device', { variables }, { device: [] })).toBe('of all devices');
  });
});
