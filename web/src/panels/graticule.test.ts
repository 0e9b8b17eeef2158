import { describe, expect, it } from 'vitest';
import {
  fromSheet,
  graticule,
  pan,
  scaleBar,
  stepFor,
  toSheet,
  tracks,
  unwrap,
  viewOf,
  written,
  zoom,
} from './graticule';

const size = { width: 600, height: 400 };
const berlin = { latitude: 52.52, longitude: 13.405 };
const paris = { latitude: 48.857, longitude: 2.352 };

describe('the map', () => {
  it('brings a position to the sheet and back', () => {
    const view = viewOf([berlin, paris], size);
    for (const place of [berlin, paris, { latitude: -33.9, longitude: 151.2 }]) {
      const { x, y } = toSheet(place, view, size);
      const back = fromSheet(x, y, view, size);
      expect(back.latitude).toBeCloseTo(place.latitude, 8);
      expect(back.longitude).toBeCloseTo(place.longitude, 8);
    }
  });

  it('shows all positions within the margin, north up and east right', () => {
    const view = viewOf([berlin, paris], size);
    const b = toSheet(berlin, view, size);
    const p = toSheet(paris, view, size);
    expect(b.x).toBeGreaterThan(p.x);
    expect(b.y).toBeLessThan(p.y);
    for (const { x, y } of [b, p]) {
      expect(x).toBeGreaterThan(0);
      expect(x).toBeLessThan(size.width);
      expect(y).toBeGreaterThan(0);
      expect(y).toBeLessThan(size.height);
    }
  });

  it('shows a single place with its surroundings, and the world for none', () => {
    const one = viewOf([berlin], size);
    expect(toSheet(berlin, one, size).x).toBeCloseTo(300);
    expect(size.width / one.scale).toBeLessThan(0.05);
    expect(Number.isFinite(one.scale)).toBe(true);
    expect(viewOf([], size).longitude).toBe(0);
    expect(Number.isFinite(viewOf([berlin], { width: 0, height: 0 }).scale)).toBe(true);
  });

  it('keeps the place under the pointer when it zooms', () => {
    const view = viewOf([berlin, paris], size);
    const before = fromSheet(100, 80, view, size);
    const after = fromSheet(100, 80, zoom(view, 3, size, { x: 100, y: 80 }), size);
    expect(after.latitude).toBeCloseTo(before.latitude, 6);
    expect(after.longitude).toBeCloseTo(before.longitude, 6);
  });

  it('stays within its limits however far it is zoomed and moved', () => {
    let view = viewOf([berlin], size);
    for (let i = 0; i < 60; i += 1) view = zoom(view, 2, size);
    expect(view.scale).toBe(2e7);
    for (let i = 0; i < 60; i += 1) view = zoom(view, 0.5, size);
    view = pan(view, 0, 1e6, size);
    expect(Math.abs(view.latitude)).toBeLessThanOrEqual(85);
    expect(graticule(view, size).meridians.length).toBeGreaterThan(1);
  });

  it('chooses round steps for the lines', () => {
    expect(stepFor(1.5, 96)).toBe(90);
    expect(stepFor(100, 96)).toBe(1);
    expect(stepFor(1000, 96)).toBe(0.1);
    expect(stepFor(1e9, 96)).toBe(0.000001);
  });

  it('labels meridians and parallels with their side', () => {
    const view = { latitude: 0, longitude: 178, scale: 60 };
    const { meridians, parallels } = graticule(view, size);
    expect(meridians.map((line) => line.label)).toEqual([
      '174°\u202fE',
      '176°\u202fE',
      '178°\u202fE',
      '180°',
      '178°\u202fW',
    ]);
    expect(parallels.map((line) => line.label)).toEqual(['2°\u202fS', '0°', '2°\u202fN']);
    expect(written({ latitude: -33.9, longitude: 190 }, 1)).toBe('33.9°\u202fS, 170.0°\u202fW');
  });

  it('draws a track over the antimeridian without a jump', () => {
    expect(unwrap([179, -179, -178, 179.5])).toEqual([179, 181, 182, 179.5]);
    const found = tracks(
      [
        { device_id: 'ship', field: 'lat', times: [2, 1], values: [1, 1] },
        { device_id: 'ship', field: 'lon', times: [1, 2], values: [179, -179] },
        { device_id: 'buoy', field: 'lat', times: [1], values: [0] },
        { device_id: 'buoy', field: 'lon', times: [1], values: [178] },
      ],
      'lat',
      'lon',
    );
    expect(found[0]?.points.map((point) => point.longitude)).toEqual([179, 181]);
    expect(found[1]?.points[0]?.longitude).toBe(178);
  });

  it('joins latitude and longitude of the same time only, and leaves out what is no place', () => {
    const found = tracks(
      [
        { device_id: 'a', field: 'lat', times: [1, 2, 3, 4], values: [10, 11, null, 200] },
        { device_id: 'a', field: 'lon', times: [1, 3, 4], values: [20, 22, 23] },
        { device_id: 'b', field: 'lat', times: [1], values: [1] },
      ],
      'lat',
      'lon',
    );
    expect(found).toEqual([{ device: 'a', points: [{ time: 1, latitude: 10, longitude: 20 }] }]);
  });

  it('has a bar of a round length', () => {
    const bar = scaleBar({ latitude: 0, longitude: 0, scale: 111.32 }, 100);
    expect(bar.label).toBe('100 km');
    expect(bar.width).toBeCloseTo(100);
    expect(scaleBar({ latitude: 60, longitude: 0, scale: 1e6 }, 100).label).toBe('5 m');
  });
});
