// The device list's state in the address.

import type { DeviceQuery, DeviceState } from '../../api/devices';
import { STATES } from '../../features/devices/status';

export const PAGE_SIZES = [50, 100, 250] as const;
const SORTS = ['name', 'id', 'type', 'created', 'last_seen'];

/** What the address says the list should show. What it says wrongly is as if it were not said. */
export function queryOf(url: URLSearchParams): Required<Omit<DeviceQuery, 'facets'>> {
  const state = url.get('state') as DeviceState;
  const sort = url.get('sort') ?? '';
  const offset = Number(url.get('offset'));
  const count = Number(url.get('count'));
  return {
    search: url.get('search') ?? '',
    type: url.get('type') ?? '',
    state: STATES.includes(state) ? state : '',
    sort: SORTS.includes(sort.replace(/^-/, '')) ? sort : 'name',
    offset: Number.isInteger(offset) && offset > 0 ? offset : 0,
    count: PAGE_SIZES.find((size) => size === count) ?? PAGE_SIZES[0],
  };
}
