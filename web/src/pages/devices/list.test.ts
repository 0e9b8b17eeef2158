import { describe, expect, it } from 'vitest';
import { queryOf } from './list';

describe('the device list', () => {
  it('is what its address says', () => {
    const url = new URLSearchParams('search=cellar&type=pump&state=stale&sort=-last_seen&offset=100&count=100');
    expect(queryOf(url)).toEqual({ search: 'cellar', type: 'pump', state: 'stale', sort: '-last_seen', offset: 100, count: 100 });
  });

  it('takes no harm from an address that is wrong', () => {
    const url = new URLSearchParams('state=asleep&sort=password&offset=-3&count=1000000');
    expect(queryOf(url)).toEqual({ search: '', type: '', state: '', sort: 'name', offset: 0, count: 50 });
  });
});
