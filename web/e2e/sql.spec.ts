import { readFileSync } from 'node:fs';
import { type Project, type World, expect, look, test } from './test';

async function bench(world: World, project: Project): Promise<void> {
  await world.device(project, 'bench-1');
  const now = Date.now();
  await world.rows(project, 'bench-1', ['temperature', 'note'], Array.from({ length: 500 }, (_, at) => [now - at * 60_000, 20 + (at % 9), at === 0 ? '<script>window.harm=1</script>' : 'fine']));
}

test('a question is written, completed, asked, drawn, downloaded and found again', async ({ page, world }) => {
  const { project } = await world.home(page.context());
  await bench(world, project);
  await page.goto(`/p/${project.id}/sql`);
  await expect(page.getByRole('heading', { name: 'Ask anything of your readings' })).toBeVisible();
  const editor = page.getByRole('textbox', { name: 'SQL' });
  await editor.click();
  await expect(page.getByRole('complementary', { name: 'Namespaces and fields' })).toContainText('temperature');
  await page.keyboard.type('SELECT time, note, temperature FROM inp');
  await page.getByRole('option', { name: 'input', exact: true }).click();
  await page.keyboard.type(' ORDER BY time');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Control+Enter');
  await expect(page.getByText(/500 rows/)).toBeVisible();
  await expect(page.getByRole('columnheader', { name: 'temperature' })).toBeVisible();
  await look(page, 'sql');
  // The last of many rows is there once one scrolls to it, as text.
  const grid = page.getByRole('region', { name: 'Answer' });
  await grid.evaluate((element) => (element.scrollTop = element.scrollHeight));
  await expect(page.getByRole('cell', { name: '<script>' })).toBeVisible();
  expect(await page.evaluate(() => 'harm' in window)).toBe(false);

  await page.getByRole('tab', { name: 'Chart' }).click();
  await expect(page.getByRole('group', { name: /^Answer/ })).toBeVisible();
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Download' }).click().then(() => page.getByRole('menuitem', { name: /Parquet/ }).click()),
  ]);
  expect(readFileSync(await file.path()).subarray(0, 4).toString()).toBe('PAR1');

  // The address holds the question, and whoever opens it sees the answer.
  const address = page.url();
  await page.goto(`/p/${project.id}/sql`);
  await page.getByRole('button', { name: 'History' }).click();
  await page.getByRole('dialog').getByRole('button', { name: /ORDER BY time/ }).click();
  await expect(editor).toContainText('ORDER BY time');
  await page.goto(address);
  await expect(page.getByRole('group', { name: /^Answer/ })).toBeVisible();
});

test('an error is shown where it is, and says what would be right', async ({ page, world }) => {
  const { project } = await world.home(page.context());
  await bench(world, project);
  await page.goto(`/p/${project.id}/sql?${new URLSearchParams({ q: 'SELECT time,\n  temprature\nFROM input' })}`);
  await expect(page.getByText(/did you mean .*temperature/)).toBeVisible();
  await expect(page.getByText('Line 2: underlined above.')).toBeVisible();
  await expect(page.locator('.cm-wrong')).toHaveText('temprature');
  await look(page, 'sql-error');
  for (const [question, wrong] of [['DELETE FROM input', 'DELETE is not allowed'], ['SELECT 1 +', 'Expected'], ['SELECT * FROM nowhere', 'no namespace']] as const) {
    await page.goto(`/p/${project.id}/sql?${new URLSearchParams({ q: question })}`);
    await expect(page.getByText(wrong)).toBeVisible();
    await expect(page.getByText(/10001/)).toHaveCount(0);
  }
});

test('a question without a limit is cut on the page, a long one is stopped, and a server that stopped is told', async ({ page, world }) => {
  const { project } = await world.home(page.context());
  await bench(world, project);
  await page.goto(`/p/${project.id}/sql?${new URLSearchParams({ q: 'SELECT a.time, b.temperature FROM input a CROSS JOIN input b' })}`);
  await expect(page.getByText('The first 10,000 rows')).toBeVisible();
  // Ten thousand rows, and only those in sight are in the page.
  expect(await page.getByRole('row').count()).toBeLessThan(80);

  await page.route('**/v1/sql*', () => new Promise(() => {}), { times: 1 });
  await page.getByRole('button', { name: 'Run' }).click();
  await page.getByRole('button', { name: 'Stop' }).click();
  await expect(page.getByRole('button', { name: 'Run' })).toBeVisible();
  await page.route('**/v1/sql*', (route) => route.abort());
  await page.getByRole('button', { name: 'Run' }).click();
  await expect(page.getByText('The server does not answer')).toBeVisible();
});
