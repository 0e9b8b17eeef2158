/** Series of points for charts, `POST /v1/query`, and questions in SQL, `POST /v1/sql`. */
import { type Options, post, send } from './call';
import { exactJson, isLargeInteger } from './json';

export type Comparison = 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge';
export type Operator = 'mean' | 'min' | 'max' | 'sum' | 'count' | 'first' | 'last';
export type FieldType = 'DOUBLE' | 'LONG' | 'BOOLEAN' | 'STRING';
export type Cell = string | number | boolean | null;

/** What every row must fulfil. */
export interface Condition {
  field: string;
  op: Comparison;
  value: Cell;
}

/** What a chart asks for, without its time and size. Panels of dashboards keep it in this form. */
export interface ChartQuestion {
  namespace?: string;
  /** All fields that the operator says something of, unless said. */
  fields?: string[] | null;
  /** All devices, unless said. */
  devices?: string[] | null;
  where?: Condition[];
  /** How the rows of a bucket become one value; without it the points are rows. */
  operator?: Operator | null;
  /** `auto`, `raw`, `all`, or a length such as `15m`. */
  bucket?: string;
  downsample?: 'minmax' | 'lttb';
  limit?: number;
  max_series?: number;
}

/** The same with the time in milliseconds and the width in pixels. */
export interface SeriesQuestion extends ChartQuestion {
  from?: number;
  to?: number;
  width?: number;
  /** Of buckets of a day and longer; an IANA name. */
  timezone?: string;
}

/** The points of one device and field. */
export interface Series {
  device_id: string | null;
  field: string;
  type: FieldType;
  times: number[];
  values: Cell[];
  /** Of whole numbers beyond 2^53 the digits, at the places of their values; `null` at all others. */
  exact?: (string | null)[];
  /** For means: the extremes of each bucket. */
  mins?: (number | null)[];
  maxs?: (number | null)[];
}

export interface SeriesAnswer {
  from: number;
  to: number;
  /** Rows as they are, rows that stand for others, or one value for each bucket. */
  method: 'raw' | 'minmax' | 'lttb' | 'aggregate';
  bucket: string | null;
  bucket_ms: number | null;
  /** How many values went into it. */
  rows: number;
  /** Whether a limit left out points or series. */
  truncated: boolean;
  /** What `since` of the live rows takes: the rows that are not in this answer follow there. */
  point?: string;
  series: Series[];
}

export async function series(question: SeriesQuestion, options?: Options): Promise<SeriesAnswer> {
  const answer = await post<SeriesAnswer>('/v1/query', question, options);
  answer.series.forEach(split);
  return answer;
}

/** Charts draw numbers; the digits of those that are too large to be exact stand beside them. */
export function split(one: Series): void {
  if (one.type === 'STRING' || !one.values.some(isLargeInteger)) return;
  one.exact = one.values.map((value) => (isLargeInteger(value) ? value : null));
  one.values = one.values.map((value) => (isLargeInteger(value) ? Number(value) : value));
  for (const extremes of [one.mins, one.maxs]) extremes?.forEach((value, at) => (extremes[at] = value === null ? null : Number(value)));
}

/** A table, as SQL's answers come. */
export interface SqlAnswer {
  fields: string[];
  /** Of each column: `TIMESTAMP`, `DOUBLE`, `LONG`, `BOOLEAN`, `STRING`, `DATE`, ... */
  types?: string[];
  values: Cell[][];
}

/** Asks in SQL; times come as microseconds since 1970. */
export async function sql(query: string, params: Cell[] = [], options: Options = {}): Promise<SqlAnswer> {
  const reply = await send('POST', '/v1/sql', { ...options, body: { query, params }, query: { timefmt: 'usec' } });
  const answer = exactJson<{ result: SqlAnswer[] }>(await reply.text());
  return answer.result[0] ?? { fields: [], values: [] };
}

export type FileForm = 'csv' | 'parquet' | 'json' | 'arrow';

/** Asks in SQL for a file. */
export const sqlFile = async (query: string, format: FileForm, options: Options = {}): Promise<Blob> =>
  (await send('POST', '/v1/sql', { ...options, body: { query }, query: { format, timefmt: 'msec' } })).blob();
