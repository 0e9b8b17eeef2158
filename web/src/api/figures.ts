/** What a project's overview tells: rows, times, who was heard. */
import { type Options, get, post } from './call';

export interface NamespaceFigures {
  namespace_id: number;
  namespace_name: string;
  rows: number;
  first_time?: number | null;
  last_time?: number | null;
  bytes: number;
}

/** Rows of the namespace `input`; nothing when it is not there yet. */
export async function ofInput(options?: Options): Promise<NamespaceFigures | null> {
  const { namespaces } = await get<{ namespaces: { namespace_id: number }[] }>('/v1/namespaces', { name: 'input' }, options);
  const id = namespaces[0]?.namespace_id;
  return id === undefined ? null : get<NamespaceFigures>(`/v1/namespaces/${id}/statistics`, { timefmt: 'msec' }, options);
}

/** How many rows each half hour since `from` has; those without any are left out. */
export async function rowsPerHalfHour(from: number, options?: Options): Promise<{ time: number; rows: number }[]> {
  const query = "SELECT time_bucket(INTERVAL '30 minutes', time) AS time, count(*) AS rows FROM input WHERE time >= $1 GROUP BY 1 ORDER BY 1";
  const params = [new Date(from).toISOString()];
  const reply = await post<{ result: { values: [number, number][] }[] }>('/v1/sql', { query, params }, { ...options, query: { timefmt: 'msec' } });
  return (reply.result[0]?.values ?? []).map(([time, rows]) => ({ time: Number(time), rows: Number(rows) }));
}

/** The newest rows of all devices. */
export async function newestRows(limit: number, options?: Options): Promise<{ fields: string[]; values: (string | number | boolean | null)[][] }> {
  const reply = await get<{ result: { fields: string[]; values: (string | number | boolean | null)[][] }[] }>('/v1/data/input', { limit }, options);
  return reply.result[0] ?? { fields: [], values: [] };
}
