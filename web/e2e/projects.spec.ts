import { expect, look, test } from './test';

const HOSTILE = '<img src=x onerror=alert(1)>';

test('projects are made, found, renamed, and switched between', async ({ page, world }) => {
  const person = await world.person();
  await world.signIn(page.context(), person);
  const stamp = Date.now().toString(36);
  for (const name of [`greenhouse ${stamp}`, `${HOSTILE} ${stamp}`]) await world.project(person, name);
  await page.goto('/');
  await expect(page).toHaveURL(/\/projects$/);
  await expect(page.getByRole('heading', { name: `${HOSTILE} ${stamp}` })).toBeVisible();

  await page.getByRole('button', { name: 'New project' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill(`greenhouse ${stamp}`);
  await dialog.getByRole('button', { name: 'Make the project' }).click();
  await expect(dialog.getByRole('alert')).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(dialog).toHaveCount(0);

  await page.getByRole('button', { name: `More for greenhouse ${stamp}` }).press('ArrowDown');
  await expect(page.getByRole('menuitem', { name: 'Rename' })).toBeFocused();
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').getByLabel('Name').fill(`orangery ${stamp}`);
  await page.getByRole('button', { name: 'Rename', exact: true }).click();
  await expect(page.getByRole('heading', { name: `orangery ${stamp}` })).toBeVisible();
  await look(page, 'projects');

  await page.getByRole('link', { name: `orangery ${stamp}` }).click();
  await expect(page.getByRole('button', { name: `Project: orangery ${stamp}` })).toBeVisible();
  await page.getByRole('button', { name: 'Project: orangery' }).click();
  await page.getByRole('menuitemradio', { name: HOSTILE }).click();
  await expect(page.getByRole('heading', { name: `${HOSTILE} ${stamp}` })).toBeVisible();
});

test('the overview shows how the project is doing, and what arrives', async ({ page, world }) => {
  const { project } = await world.home(page.context());
  const now = Date.now();
  for (const [at, id] of ['bench-1', 'bench-2', 'roof'].entries()) {
    await world.device(project, id, { device_name: at === 2 ? HOSTILE : undefined });
    const rows = Array.from({ length: 200 }, (_, step) => [now - step * 400_000 - at * 1000, 20 + Math.sin(step / 9) * 3, 50 + Math.cos(step / 7) * 8]);
    await world.rows(project, id, ['temperature', 'humidity'], rows);
  }
  await world.device(project, 'never-heard');
  await page.goto(`/p/${project.id}`);
  await expect(page.getByRole('img', { name: /rows in 24 hours/ })).toBeVisible();
  await expect(page.getByRole('table').getByText(HOSTILE)).toBeVisible();
  await expect(page.getByText('600', { exact: true }).first()).toBeVisible();
  await look(page, 'overview');
  await world.rows(project, 'bench-1', ['temperature'], [[Date.now(), 99.5]]);
  await expect(page.getByText('99.5')).toBeVisible();
  await expect(page.getByText('601', { exact: true }).first()).toBeVisible();
});

test('while replies are slow the shape of the page is there, and it does not jump', async ({ page, world }) => {
  const { project } = await world.home(page.context());
  await world.device(project, 'bench-1');
  await world.rows(project, 'bench-1', ['temperature'], [[Date.now(), 20]]);
  let go: () => void = () => undefined;
  const slow = new Promise<void>((resolve) => (go = resolve));
  await page.route(/\/v1\/(namespaces|devices)/, async (route) => {
    await slow;
    await route.continue();
  });
  await page.goto(`/p/${project.id}`);
  const tile = page.getByRole('heading', { name: 'Rows, last 24 hours' });
  await expect(tile).toBeVisible();
  const before = await tile.boundingBox();
  await look(page, 'overview-slow');
  go();
  await expect(page.getByRole('link', { name: 'bench-1' })).toBeVisible();
  expect(await tile.boundingBox()).toEqual(before);
});

test('a project of others, or none, is not there', async ({ page, world }) => {
  await world.home(page.context());
  const other = await world.project(await world.person());
  for (const path of [`/p/${other.id}`, '/p/999999/tokens', '/p/x']) {
    await page.goto(path);
    await expect(page.getByRole('heading', { name: 'There is no such project' })).toBeVisible();
  }
  await page.goto('/nowhere');
  await expect(page.getByRole('heading', { name: 'There is nothing here' })).toBeVisible();
  await look(page, 'nowhere');
  await page.goto('/server');
  await expect(page.getByRole('heading', { name: 'This page is for who runs the server' })).toBeVisible();
});
