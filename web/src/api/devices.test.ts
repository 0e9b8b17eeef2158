import { expect, test } from 'vitest';
import { calledBy } from './devices';

test('a device is called by the name that someone gave it, else by its id', () => {
  expect(calledBy({ device_id: 'bench-1', device_name: 'Cellar north' })).toBe('Cellar north');
  expect(calledBy({ device_id: 'bench-1' })).toBe('bench-1');
  expect(calledBy({ device_id: 'bench-1', device_name: 'device-rzbhkf85su' })).toBe('bench-1');
});
