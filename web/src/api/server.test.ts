import { expect, test } from 'vitest';
import { read } from './server';

test('figures with labels are added up, comments and buckets of infinity are no harm', () => {
  const figures = read('# HELP iobeam_requests Requests\niobeam_requests_total{method="GET",status="200"} 5\niobeam_requests_total{method="GET",status="404"} 2\niobeam_x +Inf\niobeam_y 1.5e3\n# EOF\n');
  expect(figures.get('iobeam_requests_total')).toBe(7);
  expect(figures.get('iobeam_y')).toBe(1500);
  expect(figures.has('iobeam_x')).toBe(false);
});
