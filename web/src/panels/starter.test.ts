import { describe, expect, it } from 'vitest';
import { readBoard } from './board';
import { positionFields, starterBoard, titleOf, unitOf } from './starter';

const number = (name: string) => ({ name, type: 'DOUBLE' });

describe('the starter board', () => {
  it('is sound, whatever the fields are', () => {
    const board = starterBoard('input', [
      number('load_1m'),
      number('load_5m'),
      number('cpu_percent'),
      number('lat'),
      number('lon'),
      { name: 'door', type: 'STRING' },
      { name: 'pump_on', type: 'BOOLEAN' },
    ]);
    expect(readBoard(board).value).toEqual(board);
    expect(board.panels.map((panel) => [panel.kind, panel.title])).toEqual([
      ['value', 'Load 1m'],
      ['value', 'Load 5m'],
      ['value', 'Cpu percent'],
      ['chart', 'Load'],
      ['chart', 'Cpu percent'],
      ['map', 'Where they are'],
      ['timeline', 'States'],
    ]);
    expect(readBoard(starterBoard('input', [])).value?.panels).toEqual([]);
    const many = starterBoard(
      'input',
      Array.from({ length: 300 }, (_, i) => number(`f${i}_x`)),
    );
    expect(many.panels).toHaveLength(12);
  });

  it('finds the fields that are a position', () => {
    expect(positionFields([number('latitude'), number('longitude')])).toEqual({
      latitude: 'latitude',
      longitude: 'longitude',
    });
    expect(positionFields([number('gps_lat'), number('gps_lng')])).toEqual({
      latitude: 'gps_lat',
      longitude: 'gps_lng',
    });
    expect(positionFields([number('latency'), number('longest')])).toBeNull();
    expect(positionFields([{ name: 'lat', type: 'STRING' }, number('lon')])).toBeNull();
  });

  it('reads units and titles off names', () => {
    expect(unitOf('cpu_percent')).toBe('%');
    expect(unitOf('network_sent_kb_s')).toBe('kB/s');
    expect(unitOf('temperature_out')).toBe('°C');
    expect(unitOf('speed')).toBe('');
    expect(titleOf('cpu_percent')).toBe('Cpu percent');
  });
});
