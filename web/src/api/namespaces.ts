/** Namespaces: tables of rows with typed fields. `/v1/namespaces`. */
import { type Options, del, get, post, put } from './call';
import type { FieldType } from './query';

export type Label = string | number | boolean;

/** What fields of each type hold, in words. */
export const HOLDS: Readonly<Record<FieldType, string>> = { DOUBLE: 'number', LONG: 'whole number', BOOLEAN: 'true or false', STRING: 'text' };

export interface Namespace {
  namespace_id: number;
  project_id: number;
  namespace_name: string;
  partitioning_field: string;
  /** As it was said: `30d`, `none` or `default`. */
  retention: string;
  /** With the server's setting in place of `default`. */
  effective_retention: string;
  created: string;
  last_modified: string;
  fields: Record<string, FieldType>;
  labels: Record<string, Label>;
}

export interface NamespaceStatistics {
  rows: number;
  /** In milliseconds. */
  first_time?: number | null;
  last_time?: number | null;
  /** In no file yet; safe in the write-ahead log. */
  memory_rows: number;
  files: number;
  bytes: number;
  effective_retention: string;
  /** Rows before it have expired. */
  keep_from?: number | null;
}

export interface NewNamespace {
  namespace_name: string;
  partitioning_field?: string;
  fields: Record<string, FieldType>;
  labels: Record<string, Label>;
  retention?: string;
}

export const list = async (options?: Options) =>
  (await get<{ namespaces: Namespace[] }>('/v1/namespaces', {}, options)).namespaces;
export const statistics = (id: number, options?: Options) =>
  get<NamespaceStatistics>(`/v1/namespaces/${id}/statistics`, { timefmt: 'msec' }, options);
export const create = (namespace: NewNamespace) => post<Namespace>('/v1/namespaces', namespace);
/** Fields are added here, and changed by corrections; labels are added or overwritten. */
export const update = (id: number, changes: { fields?: Record<string, FieldType>; labels?: Record<string, Label>; retention?: string }) =>
  put<void>(`/v1/namespaces/${id}`, changes);
export const remove = (id: number) => del(`/v1/namespaces/${id}`);
