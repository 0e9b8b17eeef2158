/** Corrections of what a namespace holds: rows deleted, fields changed, all rows gone. `/v1/namespaces/{id}/..`. */
import { del, get, patch, post } from './call';
import type { FieldType } from './query';

export interface Correction {
  correction_id: number;
  action: 'DELETE_ROWS' | 'DROP_FIELD' | 'RENAME_FIELD' | 'RETYPE_FIELD';
  field?: string | null;
  /** The new name or type. */
  to?: string | null;
  state: 'RUNNING' | 'DONE' | 'FAILED';
  /** Rows deleted, or values dropped, renamed or converted. */
  rows: number;
  /** Values that did not convert. */
  quarantined: number;
  files: number;
  files_done: number;
  ordered: string;
  ended?: string | null;
  ordered_by: string;
  problem?: string | null;
}

/** Which rows: all that is given must hold. */
export interface Rows {
  /** Milliseconds, `now()-2h` or a date with a zone. */
  from?: string;
  to?: string;
  devices?: string[];
  /** Conditions such as `lt(temperature,-40)`. */
  where?: string[];
}

export interface Count {
  rows: number;
}

export interface Quarantined {
  quarantined: number;
  values: { time: number; device?: string | null; value: string | number | boolean }[];
}

const path = (id: number) => `/v1/namespaces/${id}`;

export const list = async (id: number) => (await get<{ corrections: Correction[] }>(`${path(id)}/corrections`)).corrections;
export const quarantine = (id: number, correction: number, limit = 200) =>
  get<Quarantined>(`${path(id)}/corrections/${correction}/quarantine`, { limit, timefmt: 'msec' });
export const countRows = (id: number, rows: Rows) => post<Count>(`${path(id)}/rows/delete`, { ...rows, dry_run: true });
export const deleteRows = (id: number, rows: Rows) => post<Correction>(`${path(id)}/rows/delete`, rows);
export const truncate = (id: number) => post<Count>(`${path(id)}/truncate`, {});
export const renameField = (id: number, field: string, name: string) => patch<Correction>(`${path(id)}/fields/${field}`, { name });
export const retypeField = (id: number, field: string, type: FieldType) => patch<Correction>(`${path(id)}/fields/${field}`, { type });
export const dropField = (id: number, field: string) => del<Correction>(`${path(id)}/fields/${field}`);
