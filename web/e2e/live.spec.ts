import { MAX_STREAMS } from '../src/api/turns';
import { expect, test } from './test';

test.describe.configure({ timeout: 240_000 });

/** More than browsers have connections for to one host over HTTP/1.1. */
const TABS = 10;

test('ten pages of one browser are live, and leave room for other requests', async ({ page, world }) => {
  const { project } = await world.home(page.context());
  await world.device(project, 'cellar-1');
  await world.rows(project, 'cellar-1', ['temperature'], [[Date.now(), 20.5]]);
  const pages = [page];
  while (pages.length < TABS) pages.push(await page.context().newPage());
  for (const each of pages) {
    await each.goto(`/p/${project.id}/devices/cellar-1`);
    await expect(each.getByText('20.5').first()).toBeVisible();
  }
  // A moment later all have settled on who listens.
  await page.waitForTimeout(3_000);
  const open = await Promise.all(
    pages.map((each) =>
      each.evaluate(async () => {
        const begun = performance.now();
        await fetch('/health', { cache: 'no-store' });
        return performance.now() - begun;
      }),
    ),
  );
  expect(Math.max(...open), 'a request of each page is answered').toBeLessThan(5_000);
  await world.rows(project, 'cellar-1', ['temperature'], [[Date.now(), 31.25]]);
  for (const each of pages) await expect(each.getByText('31.25').first()).toBeVisible({ timeout: 20_000 });
  expect(MAX_STREAMS).toBeLessThan(6);
});
