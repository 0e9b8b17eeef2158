/** Devices and what was heard from them: `/v1/devices`, `/v1/refusals`. */
import { type Options, del, get, patch, post } from './call';

export type DeviceState = 'online' | 'stale' | 'offline' | 'never_seen';

export interface Device {
  device_id: string;
  project_id: number;
  device_name?: string;
  device_type?: string;
  created: string;
  last_seen?: string;
  state?: DeviceState;
}

/** What a device is called by: the name that someone gave it, else its id. Names that the server made up say nothing; it orders by the same rule (`is_made_up`). */
export function calledBy({ device_id, device_name }: Pick<Device, 'device_id' | 'device_name'>): string {
  return device_name && !/^device-[a-z0-9]{10}$/.test(device_name) ? device_name : device_id;
}

/** Which part of the list, and in what order; a `-` before the order turns it round. */
export interface DeviceQuery {
  search?: string;
  type?: string;
  state?: DeviceState | '';
  sort?: string;
  offset?: number;
  count?: number;
  facets?: boolean;
}

export interface DevicePage {
  devices: Device[];
  total: number;
  types?: { device_type: string | null; count: number }[];
  states?: Partial<Record<DeviceState, number>>;
}

export interface Latest {
  namespace: string;
  field: string;
  type: string;
  /** In milliseconds. */
  time: number;
  value: string | number | boolean;
}

export interface DeviceFigures {
  rows: number;
  /** In milliseconds. */
  first_time?: number | null;
  last_time?: number | null;
}

export interface DeviceStatistics extends DeviceFigures {
  last_seen?: string;
  namespaces: Record<string, DeviceFigures>;
}

/** An import that was refused, or several alike within a second. */
export interface Refusal {
  at: string;
  device_id: string | null;
  /** From 500 on: it was stored, and the server set it aside later. */
  status: number;
  code: number;
  message: string;
  details: string;
  /** How many imports this stands for. */
  times: number;
}

const path = (id: string, rest = '') => `/v1/devices/${encodeURIComponent(id)}${rest}`;

export const list = (query: DeviceQuery, options?: Options) => get<DevicePage>('/v1/devices', { ...query }, options);
export const show = (id: string, options?: Options) => get<Device>(path(id), {}, options);
export const create = (device: { device_id?: string; device_name?: string; device_type?: string }) =>
  post<Device>('/v1/devices', device);
export const update = (id: string, changes: { device_name?: string; device_type?: string }) =>
  patch<Device | undefined>(path(id), changes);
export const remove = (id: string) => del(path(id));
export const latest = async (id: string, options?: Options) =>
  (await get<{ values: Latest[] }>(path(id, '/latest'), { timefmt: 'msec' }, options)).values;
export const statistics = (id: string, options?: Options) =>
  get<DeviceStatistics>(path(id, '/statistics'), { timefmt: 'msec' }, options);
export const refusals = async (device_id: string | null, count: number, options?: Options) =>
  (await get<{ refusals: Refusal[] }>('/v1/refusals', { device_id, count }, options)).refusals;
