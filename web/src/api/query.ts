/** Series of points for charts, `POST /v1/query`, and questions in SQL, `POST /v1/sql`. */
import { type Options, post, send } from './call';

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

export const series = (question: SeriesQuestion, options?: Options) => post<SeriesAnswer>('/v1/query', question, options);

/** A table, as SQL's answers come. */
export interface SqlAnswer {
  fields: string[];
  /** Of each column: `TIMESTAMP`, `DOUBLE`, `LONG`, `BOOLEAN`, `STRING`, `DATE`, ... */
  types?: string[];
  values: Cell[][];
}

/** JSON whose whole numbers beyond 2^53 stay exact: they come as texts. */
export function exactJson<T>(text: string): T {
  if (!/\d{17}|9\d{15}/.test(text)) return JSON.parse(text) as T;
  const quoted = text.replace(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g, (token) =>
    /^-?\d{16,}$/.test(token) && !Number.isSafeInteger(Number(token)) ? `"${token}"` : token);
  return JSON.parse(quoted) as T;
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
