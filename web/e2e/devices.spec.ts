import { Server } from './server';
import { World, axe, expect, look, test } from './test';

// Pictures of a page in all sizes, each looked at by axe, take their time on a slow machine.
test.describe.configure({ timeout: 240_000 });

const HOSTILE = '<img src=x onerror="document.title=1">';

test('a project without devices says how they come, and one is made, changed and deleted', async ({ page, world }) => {
  const { project } = await world.home(page.context());
  await page.goto(`/p/${project.id}/devices`);
  await expect(page.getByText('No device yet')).toBeVisible();
  await look(page, 'devices-empty');

  await page.getByRole('button', { name: 'New device' }).first().click();
  const form = page.getByRole('dialog', { name: 'New device' });
  await form.getByLabel('Id').fill('a b');
  await expect(form.getByText("' ' at position 2 is not allowed")).toBeVisible();
  await expect(form.getByRole('button', { name: 'Create the device' })).toBeDisabled();
  await axe(page);
  await form.getByLabel('Id').fill('cellar-1');
  await form.getByLabel('Name').fill(HOSTILE);
  await form.getByLabel('Type').fill('thermometer');
  await form.getByRole('button', { name: 'Create the device' }).click();

  await expect(page).toHaveURL(/\/devices\/cellar-1$/);
  await expect(page.getByRole('heading', { name: HOSTILE })).toBeVisible();
  await expect(page.getByText('Nothing was heard from it yet')).toBeVisible();
  await expect(page.getByText('Never seen')).toBeVisible();
  await look(page, 'device-never-heard');

  // An id that is taken is said at its field, and what was typed stays.
  await page.goto(`/p/${project.id}/devices`);
  await page.getByRole('button', { name: 'New device' }).click();
  await form.getByLabel('Id').fill('cellar-1');
  await form.getByRole('button', { name: 'Create the device' }).click();
  await expect(form.getByLabel('Id')).toHaveAttribute('aria-invalid', 'true');
  await expect(form.getByLabel('Id')).toHaveValue('cellar-1');
  await page.keyboard.press('Escape');

  await page.getByRole('link', { name: HOSTILE }).click();
  await page.getByRole('button', { name: 'Change' }).click();
  const change = page.getByRole('dialog', { name: 'Change the device' });
  await change.getByLabel('Name').fill('Cellar north');
  await change.getByLabel('Type').fill('');
  await change.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByRole('heading', { name: 'Cellar north' })).toBeVisible();

  await page.getByRole('button', { name: 'More about this device' }).click();
  await page.getByRole('menuitem', { name: 'Delete the device' }).click();
  const sure = page.getByRole('dialog', { name: 'Delete this device?' });
  await expect(sure.getByRole('button', { name: 'Delete the device' })).toBeDisabled();
  await sure.getByRole('textbox').fill('cellar-1');
  await sure.getByRole('button', { name: 'Delete the device' }).click();
  await expect(page.getByText('No device yet')).toBeVisible();
});

test('a device shows what it says as it says it', async ({ page, world }) => {
  const { project } = await world.home(page.context());
  await world.device(project, 'cellar-1', { device_name: 'Cellar north', device_type: 'thermometer' });
  const now = Date.now();
  const past = Array.from({ length: 180 }, (_, i) => [now - (180 - i) * 20_000, 4 + Math.sin(i / 9), i % 40 < 8 ? 'open' : 'closed', 52.5 + i / 9000, 13.4 + i / 5000]);
  await world.rows(project, 'cellar-1', ['temperature', 'door', 'lat', 'lon'], past);
  await page.goto(`/p/${project.id}/devices/cellar-1`);
  const latest = page.getByRole('region', { name: 'Newest values' });
  await expect(latest.getByText('temperature')).toBeVisible();
  await expect(page.getByRole('figure', { name: 'Temperature' })).toBeVisible();
  await expect(page.getByRole('figure', { name: 'States' })).toBeVisible();
  await expect(page.getByRole('application', { name: /Where it is: 1 device/ })).toBeVisible();
  await expect(page.getByText('180', { exact: true })).toBeVisible();
  await look(page, 'device');

  await world.rows(project, 'cellar-1', ['temperature', 'door'], [[Date.now(), 77.25, 'broken']]);
  await expect(latest.getByText('77.25')).toBeVisible();
  await expect(latest.getByText('broken')).toBeVisible();
  await expect(page.getByText('Online')).toBeVisible();

  await page.getByRole('link', { name: 'Rows' }).click();
  const rows = page.getByRole('region', { name: 'Rows' });
  await expect(rows.getByRole('row').nth(1)).toContainText('77.25');
  await world.rows(project, 'cellar-1', ['temperature'], [[Date.now() + 1, -40.5]]);
  await expect(rows.getByRole('row').nth(1)).toContainText('-40.5');
  await look(page, 'device-rows');
});

test('a token of a device is shown once, writes as that device alone, and is revoked', async ({ page, server, world }) => {
  const { project } = await world.home(page.context());
  await world.device(project, 'cellar-1');
  await world.device(project, 'cellar-2');
  await page.goto(`/p/${project.id}/devices/cellar-1?tab=tokens`);
  await expect(page.getByText('No token of its own')).toBeVisible();
  await page.getByRole('button', { name: 'New token' }).click();
  await page.getByRole('button', { name: 'Make the token' }).click();
  const token = (await page.getByRole('region', { name: 'The token' }).innerText()).trim();
  await axe(page);
  await page.getByRole('button', { name: 'I have it' }).click();
  await expect(page.locator('main')).not.toContainText(token);
  await look(page, 'device-tokens');

  const write = (device_id: string) =>
    server.ask('POST', '/v1/imports?fmt=table', token, { project_id: project.id, device_id, sources: { fields: ['time', 'x'], data: [[Date.now(), 1]] } });
  await write('cellar-1');
  await expect(write('cellar-2')).rejects.toThrow(/403/);

  await page.getByRole('button', { name: 'Revoke' }).click();
  await page.getByRole('button', { name: 'Revoke the token' }).click();
  await expect(page.getByText('Revoked', { exact: true })).toBeVisible();
  await expect(write('cellar-1')).rejects.toThrow(/401/);
});

test('what was refused of a device is told with its reason', async ({ page, world }) => {
  const { project } = await world.home(page.context());
  await world.device(project, 'cellar-1');
  await world.rows(project, 'cellar-1', ['temperature'], [[Date.now(), 4]]);
  await page.goto(`/p/${project.id}/devices/cellar-1?tab=refused`);
  await expect(page.getByText('Nothing was refused')).toBeVisible();
  await expect(world.rows(project, 'cellar-1', ['temperature'], [[Date.now(), HOSTILE]])).rejects.toThrow(/400/);
  // Refusals are written in batches: asked for again until it is there.
  await expect(async () => {
    await page.getByRole('button', { name: 'Ask again' }).click();
    await expect(page.getByRole('cell', { name: '400' })).toBeVisible({ timeout: 500 });
  }).toPass();
  await expect(page.getByRole('row').nth(1)).toContainText('temperature');
  await look(page, 'device-refused');

  // Rows that were stored, and that the server set aside later, are told apart from what was refused.
  const set_aside = { at: new Date().toISOString(), device_id: 'cellar-1', status: 500, code: 1, message: 'Rows that had been stored were set aside', details: 'Record 17', times: 1 };
  await page.route('**/v1/refusals?*', (route) => route.fulfill({ json: { refusals: [set_aside] } }));
  await page.getByRole('button', { name: 'Ask again' }).click();
  await expect(page.getByRole('cell', { name: 'set aside', exact: true })).toBeVisible();
  await expect(page.getByRole('row').nth(1)).toContainText('Record 17');
});

test('a device that is not there says so', async ({ page, world }) => {
  const { project } = await world.home(page.context());
  await page.goto(`/p/${project.id}/devices/nobody`);
  await expect(page.getByText('There is no such device')).toBeVisible();
  await axe(page);
});

test('a hundred thousand devices are searched, sorted, filtered and paged by the server', async ({ browser }) => {
  // So that a device that was heard is offline within the test.
  const server = new Server(['--device-stale-after', '1s', '--device-offline-after', '2s']);
  try {
    await server.start();
    const world = new World(server);
    const context = await browser.newContext({ baseURL: server.url });
    const { project } = await world.home(context);
    for (let from = 0; from < 100_000; from += 10_000) {
      const devices = Array.from({ length: 10_000 }, (_, i) => ({ device_id: `sensor-${from + i}`, device_name: `Sensor ${from + i}`, device_type: `type ${(from + i) % 9}` }));
      await server.ask('POST', '/v1/devices', project.token, { project_id: project.id, devices });
    }
    for (let i = 0; i < 3; i += 1) await world.rows(project, `sensor-${i * 9}`, ['x'], [[Date.now(), i]]);

    const page = await context.newPage();
    await page.goto(`/p/${project.id}/devices`);
    await expect(page.getByText('1–50 of 100,000 devices')).toBeVisible();
    await expect(page.getByRole('link', { name: /^Sensor 0\b/ })).toBeVisible();
    // No more elements than one page needs, however many devices there are.
    expect(await page.locator('tbody tr').count()).toBe(50);
    await look(page, 'devices-many');

    await page.getByLabel('Search name or id').fill('sensor-9999');
    await expect(page.getByText('1–11 of 11 devices')).toBeVisible();
    await expect(page).toHaveURL(/search=sensor-9999/);
    await page.getByLabel('Search name or id').fill('');
    await page.getByRole('button', { name: /^Offline/ }).click();
    await expect(page.getByText('1–3 of 3 devices')).toBeVisible();
    await page.getByRole('button', { name: /^Never seen/ }).click();
    await expect(page.getByText('1–50 of 99,997 devices')).toBeVisible();
    await page.getByLabel('Type').selectOption('type 3');
    await expect(page.getByText('1–50 of 11,111 devices')).toBeVisible();
    await page.getByRole('button', { name: 'Later page' }).click();
    await expect(page).toHaveURL(/state=never_seen&type=type\+3&offset=50/);
    await expect(page.getByText(/51–100 of/)).toBeVisible();

    // The address says it all: another window shows the same, and Back goes back.
    const other = await context.newPage();
    await other.goto(page.url());
    await expect(other.getByText(/51–100 of/)).toBeVisible();
    await page.goBack();
    await expect(page.getByText('1–50 of 11,111 devices')).toBeVisible();

    await page.goto(`/p/${project.id}/devices?sort=-name&offset=99950`);
    await expect(page.getByText('99,951–100,000 of 100,000 devices')).toBeVisible();
    await page.getByLabel('Search name or id').fill('<img onerror>');
    await expect(page.getByText('No device fits')).toBeVisible();
    await context.close();
  } finally {
    await server.remove();
  }
});
