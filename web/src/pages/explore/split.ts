// From the server's series to what charts draw.

import type { Series } from '../../api/query';
import type { ChartSeries } from '../../chart/series';
import type { State } from '../../chart/states';

/** Charts of numbers, each with its name, and rows of states. */
export interface Split {
  charts: { field: string; series: ChartSeries[] }[];
  states: { key: string; label: string; times: number[]; values: (State | null)[] }[];
}

/** What a series is called by when new values come. */
export const keyOf = (device: string | null, field: string) => `${device ?? ''} ${field}`;

const isNumber = (series: Series) => series.type === 'DOUBLE' || series.type === 'LONG';

/**
 * One chart for each field, or one of all. A device has the same colour in each chart; where one chart shows all, each
 * series has its own.
 */
export function split(all: readonly Series[], together: boolean): Split {
  const devices = [...new Set(all.map((one) => one.device_id))];
  const fields = [...new Set(all.map((one) => one.field))];
  const numbers = all.filter(isNumber);
  const label = (one: Series, alone: boolean) =>
    alone ? (one.device_id ?? 'no device') : devices.length === 1 ? one.field : `${one.device_id ?? 'no device'} · ${one.field}`;
  const drawn = (one: Series, place: number, alone: boolean): ChartSeries => ({
    key: keyOf(one.device_id, one.field),
    label: label(one, alone),
    times: one.times,
    values: one.values as (number | null)[],
    ...(one.mins && one.maxs ? { mins: one.mins, maxs: one.maxs } : {}),
    place,
  });
  const charts = together
    ? [{ field: 'All fields', series: numbers.map((one, at) => drawn(one, at, fields.length === 1)) }]
    : fields.map((field) => ({
        field,
        series: numbers.filter((one) => one.field === field).map((one) => drawn(one, devices.indexOf(one.device_id), true)),
      }));
  return {
    charts: charts.filter((chart) => chart.series.length > 0),
    states: fields.flatMap((field) => all.filter((one) => one.field === field && !isNumber(one))).map((one) => ({
      key: keyOf(one.device_id, one.field), label: label(one, fields.length === 1), times: one.times, values: one.values,
    })),
  };
}
