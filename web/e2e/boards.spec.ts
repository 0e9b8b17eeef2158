import { readFileSync } from 'node:fs';
import type { Page } from '@playwright/test';
import { Server } from './server';
import { type Project, World, axe, expect, look, test } from './test';

// Pictures of a page in all sizes, each looked at by axe, take their time on a slow machine.
test.describe.configure({ timeout: 240_000 });

const HOSTILE = '<img src=x onerror="document.title=1">';

/** Some hours of a small cold chain: numbers, states, positions. */
async function readings(world: World, project: Project): Promise<void> {
  const now = Date.now();
  const times = Array.from({ length: 200 }, (_, i) => now - (200 - i) * 15_000);
  await world.device(project, 'cellar-1', { device_name: 'Cellar north' });
  await world.device(project, 'truck-7', { device_name: HOSTILE });
  await world.rows(project, 'cellar-1', ['temperature', 'humidity', 'door'], times.map((time, i) => [time, 4 + Math.sin(i / 9), 60 + (i % 20), i % 50 < 9 ? 'open' : HOSTILE]));
  await world.rows(project, 'truck-7', ['lat', 'lon', 'temperature'], times.map((time, i) => [time, 52.5 + Math.sin(i / 30) / 9, 13.2 + i / 900, 7 + Math.cos(i / 12)]));
}

const panel = (page: Page, name: string) => page.getByRole('article', { name, exact: true });

test('a project without boards makes a first one from what it has', async ({ page, world }) => {
  const { project } = await world.home(page.context());
  await page.goto(`/p/${project.id}/boards`);
  await expect(page.getByText('No board yet')).toBeVisible();
  await look(page, 'boards-empty');
  await readings(world, project);
  await page.reload();
  await page.getByRole('button', { name: 'Make a first board' }).click();
  await expect(page.getByRole('heading', { name: 'First board' })).toBeVisible();
  await expect(page.getByText('Live', { exact: true }).first()).toBeVisible();
  await expect(panel(page, 'States').getByRole('figure')).toBeVisible();
  await expect(page.getByRole('application', { name: /Where they are: 1 device/ })).toBeVisible();
  await look(page, 'board');

  await page.getByRole('link', { name: 'Boards' }).first().click();
  await expect(page.getByRole('link', { name: 'First board' })).toBeVisible();
  await look(page, 'boards');
});

test('a board is built, arranged by pointer and by keys, saved, and is there again', async ({ page, world }) => {
  const { project } = await world.home(page.context());
  await readings(world, project);
  await page.goto(`/p/${project.id}/boards`);
  await page.getByRole('button', { name: 'Empty board' }).click();
  await page.getByLabel('Name').fill('Cold stores');
  await page.getByRole('button', { name: 'Make the board' }).click();
  await expect(page.getByText('This board is empty')).toBeVisible();

  await page.getByRole('button', { name: 'Add a panel' }).first().click();
  await page.getByRole('checkbox', { name: /temperature/ }).check();
  await page.getByLabel('Title').fill('Air');
  await expect(panel(page, 'Air').getByRole('figure')).toBeVisible();
  await look(page, 'board-editor');
  await page.getByRole('button', { name: 'Add the panel' }).click();

  await page.getByRole('button', { name: 'Add a panel' }).first().click();
  await page.getByRole('button', { name: 'Gauge', exact: true }).click();
  await page.getByRole('checkbox', { name: /humidity/ }).check();
  await page.getByLabel('Title').fill('Damp');
  await page.getByLabel('Warning at').fill('70');
  await page.getByRole('button', { name: 'Add the panel' }).click();

  await page.getByRole('button', { name: 'Add a panel' }).first().click();
  await page.getByRole('button', { name: 'Text', exact: true }).click();
  await page.getByLabel('Title').fill(HOSTILE);
  await page.getByRole('textbox', { name: 'Text', exact: true }).fill(`# Rules\n${HOSTILE}\n\n- **shut** the door\n- [how](https://example.org/) not [so](javascript:alert(1))`);
  await page.getByRole('button', { name: 'Add the panel' }).click();
  await expect(page.getByRole('link', { name: 'how' })).toHaveAttribute('href', 'https://example.org/');
  await expect(page.getByText('[so](javascript:alert(1))')).toBeVisible();

  // By keys: the gauge passes the chart, grows, and keeps the focus.
  const place = async (name: string) => {
    const box = await page.locator('[data-panel]').filter({ has: panel(page, name) }).boundingBox();
    if (!box) throw new Error(`${name} is nowhere`);
    return box;
  };
  const handle = page.getByRole('button', { name: /^Move or size Damp/ });
  const before = await place('Damp');
  await handle.focus();
  await page.keyboard.press('Shift+ArrowRight');
  await expect(handle).toBeFocused();
  await expect.poll(async () => (await place('Damp')).width).toBeGreaterThan(before.width + 20);
  await page.keyboard.press('ArrowRight');
  await expect.poll(async () => (await place('Damp')).x).toBeGreaterThan(before.x + 20);

  // By pointer: the chart is taken below the text.
  const grip = await page.getByRole('button', { name: /^Move or size Air/ }).boundingBox();
  if (!grip) throw new Error('no handle');
  const text = await place(HOSTILE);
  await page.mouse.move(grip.x + 8, grip.y + 8);
  await page.mouse.down();
  await page.mouse.move(grip.x + 8, grip.y + 100, { steps: 5 });
  await page.mouse.move(grip.x + 8, Math.max(text.y + text.height, grip.y + 380), { steps: 5 });
  await page.screenshot({ path: 'screenshots/board-dragged-light-1280.png' });
  await page.mouse.up();
  await look(page, 'board-arranged');
  const arranged = await Promise.all(['Air', 'Damp', HOSTILE].map(place));
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await expect(page.getByText('The board is saved')).toBeVisible();
  await page.reload();
  await page.getByRole('button', { name: 'Edit', exact: true }).click();
  await expect(panel(page, 'Damp')).toBeVisible();
  expect(await Promise.all(['Air', 'Damp', HOSTILE].map(place))).toEqual(arranged);

  // What is not saved is not lost by a click.
  await page.getByRole('button', { name: 'Panel Air' }).click();
  await page.getByRole('menuitem', { name: 'Take away' }).click();
  await expect(panel(page, 'Air')).toBeHidden();
  page.once('dialog', (dialog) => dialog.dismiss());
  await page.getByRole('link', { name: 'Boards' }).first().click();
  await expect(page.getByText('Not saved')).toBeVisible();
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect(panel(page, 'Air')).toBeVisible();
});

test('a variable chooses devices for all panels, and the address says which', async ({ page, world }) => {
  const { project } = await world.home(page.context());
  await readings(world, project);
  await page.goto(`/p/${project.id}/boards`);
  await page.getByRole('button', { name: 'Make a first board' }).click();
  const values = panel(page, 'Temperature').first();
  await expect(values.getByText('truck-7')).toBeVisible();
  await page.getByRole('button', { name: 'device: All devices' }).click();
  await axe(page);
  await page.getByRole('dialog').getByRole('button', { name: /^Cellar north/ }).click();
  await page.getByRole('button', { name: 'Use this device' }).click();
  await expect(page).toHaveURL(/v\.device=cellar-1/);
  await expect(values.getByText('truck-7')).toBeHidden();
  await page.reload();
  await expect(page.getByRole('button', { name: 'device: cellar-1' })).toBeVisible();
  await page.goBack();
  await expect(values.getByText('truck-7')).toBeVisible();
});

test('two people change a board: nobody overwrites what they have not seen', async ({ page, server, world }) => {
  const { project } = await world.home(page.context());
  await readings(world, project);
  await page.goto(`/p/${project.id}/boards`);
  await page.getByRole('button', { name: 'Make a first board' }).click();
  await expect(page.getByRole('heading', { name: 'First board' })).toBeVisible();
  const id = /boards\/(\d+)/.exec(page.url())?.[1];
  await page.getByRole('button', { name: 'Edit', exact: true }).click();
  await page.getByRole('button', { name: 'Panel States' }).click();
  await page.getByRole('menuitem', { name: 'Take away' }).click();

  await server.ask('PUT', `/v1/dashboards/${id}`, project.token, { version: 1, name: 'Of someone else' });
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  const conflict = page.getByRole('dialog', { name: 'Someone else changed this board' });
  await expect(conflict).toBeVisible();
  await axe(page);
  await conflict.getByRole('button', { name: 'Save mine as a copy' }).click();
  await expect(page.getByRole('heading', { name: 'First board (copy)' })).toBeVisible();
  await expect(panel(page, 'States')).toBeHidden();
  await page.goto(`/p/${project.id}/boards`);
  await expect(page.getByRole('link', { name: 'Of someone else' })).toBeVisible();
});

test('a board goes out as a file and comes in as one; a file that is none is refused with reasons', async ({ page, world }) => {
  const { project } = await world.home(page.context());
  await readings(world, project);
  await page.goto(`/p/${project.id}/boards`);
  await page.getByRole('button', { name: 'Make a first board' }).click();
  await page.getByRole('button', { name: 'More about this board' }).click();
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('menuitem', { name: 'Export as JSON' }).click()]);
  expect(file.suggestedFilename()).toBe('First-board.json');
  const exported = readFileSync(await file.path(), 'utf8');

  await page.goto(`/p/${project.id}/boards`);
  await page.getByLabel("A board's file").setInputFiles({ name: 'x.json', mimeType: 'application/json', buffer: Buffer.from('{"panels":[{"kind":"pie"}]}') });
  await expect(page.getByText('panels[0].kind: must be one of chart')).toBeVisible();
  await page.getByLabel("A board's file").setInputFiles({ name: 'board.json', mimeType: 'application/json', buffer: Buffer.from(exported) });
  await page.getByLabel('Name').fill('Again');
  await page.getByRole('button', { name: 'Make the board' }).click();
  await expect(page.getByRole('heading', { name: 'Again' })).toBeVisible();
  await expect(panel(page, 'States').getByRole('figure')).toBeVisible();

  await page.getByRole('button', { name: 'More about this board' }).click();
  await page.getByRole('menuitem', { name: 'Delete the board' }).click();
  await page.getByRole('button', { name: 'Delete the board' }).click();
  await expect(page).toHaveURL(/\/boards$/);
  await expect(page.getByRole('link', { name: 'First board' })).toBeVisible();
  await expect(page.getByRole('link', { name: 'Again' })).toBeHidden();
});

test('a link shows the board without signing in, and nothing once it is revoked', async ({ page, browser, server, world }) => {
  const { project } = await world.home(page.context());
  await readings(world, project);
  await page.goto(`/p/${project.id}/boards`);
  await page.getByRole('button', { name: 'Make a first board' }).click();
  await page.getByRole('button', { name: 'More about this board' }).click();
  await page.getByRole('menuitem', { name: 'Links' }).click();
  await page.getByRole('button', { name: 'Make a link' }).click();
  const link = (await page.getByRole('region', { name: 'The link' }).innerText()).trim();
  await look(page, 'board-links');

  const stranger = await browser.newContext({ baseURL: server.url });
  const guest = await stranger.newPage();
  const asked: string[] = [];
  guest.on('request', (request) => asked.push(request.url()));
  await guest.goto(link);
  await expect(guest.getByRole('heading', { name: 'First board' })).toBeVisible();
  await expect(guest.getByText(project.name)).toBeVisible();
  await expect(panel(guest, 'States').getByRole('figure')).toBeVisible();
  await expect(guest.getByRole('application', { name: /Where they are: 1 device/ })).toBeVisible();
  await look(guest, 'shared');
  // Who looks by the link chooses among the devices that the board shows, and cannot list the project's.
  const values = panel(guest, 'Temperature').first();
  await expect(values.getByText('truck-7')).toBeVisible();
  await guest.getByRole('button', { name: 'device: All devices' }).click();
  const choice = guest.getByRole('dialog', { name: 'device' });
  await expect(choice.getByRole('list', { name: 'Devices' }).getByRole('button')).toHaveText(['All devices', 'cellar-1', 'truck-7']);
  await choice.getByLabel('Search name or id').fill('CELL');
  await expect(choice.getByRole('list', { name: 'Devices' }).getByRole('button')).toHaveText(['cellar-1']);
  await axe(guest);
  await choice.getByRole('button', { name: 'cellar-1' }).click();
  await guest.getByRole('button', { name: 'Use this device' }).click();
  await expect(values.getByText('truck-7')).toBeHidden();
  await expect(guest).toHaveURL(/v\.device=cellar-1/);
  await guest.reload();
  await expect(guest.getByRole('button', { name: 'device: cellar-1' })).toBeVisible();
  expect(asked.filter((url) => url.includes('/v1/devices'))).toEqual([]);
  // The key is in no address that a server or its log sees.
  const key = link.split('#')[1] ?? '';
  expect(key.length).toBeGreaterThan(20);
  expect(asked.filter((url) => url.split('#')[0]?.includes(key))).toEqual([]);

  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'More about this board' }).click();
  await page.getByRole('menuitem', { name: 'Links' }).click();
  await expect(page.getByText(/^Last used/)).toBeVisible();
  await page.getByRole('button', { name: 'Revoke', exact: true }).click();
  await page.getByRole('button', { name: 'Revoke the link' }).click();
  await expect(page.getByText('No link yet')).toBeVisible();
  await guest.reload();
  await expect(guest.getByText('This link does not hold any more')).toBeVisible();
  await look(guest, 'shared-revoked');
  await guest.goto('/shared');
  await expect(guest.getByText('This link is not whole')).toBeVisible();
  await stranger.close();
});

test('new rows come live; a server that stops and comes back loses and repeats none', async ({ browser }) => {
  const server = new Server();
  try {
    await server.start();
    const world = new World(server);
    const context = await browser.newContext({ baseURL: server.url });
    const { project } = await world.home(context);
    await world.device(project, 'd');
    const start = Date.now() - 60_000;
    let count = 0;
    const write = async () => {
      count += 1;
      await world.rows(project, 'd', ['x'], [[start + count * 1000, count]]);
    };
    await write();
    const board = {
      time: { from: 'now-1h', to: 'now' },
      refresh: 'live',
      panels: [{ id: 'p1', title: 'All rows', kind: 'table', x: 0, y: 0, w: 12, h: 12, query: { namespace: 'input', fields: ['x'], devices: null }, options: {} }],
    };
    const { dashboard_id } = await server.ask<{ dashboard_id: number }>('POST', '/v1/dashboards', project.token, { name: 'Live', board });
    const page = await context.newPage();
    await page.goto(`/p/${project.id}/boards/${dashboard_id}`);
    await expect(page.getByText('Live', { exact: true }).first()).toBeVisible();
    const shown = async () => (await page.locator('tbody td:last-child').allInnerTexts()).map(Number);
    const expected = () => Array.from({ length: count }, (_, i) => count - i);
    for (let i = 0; i < 3; i += 1) await write();
    await expect.poll(shown).toEqual(expected());

    await server.stop();
    await expect(page.getByText('Reconnecting')).toBeVisible();
    await page.screenshot({ path: 'screenshots/board-reconnecting-light-1280.png' });
    await server.start();
    // Some come before the page is connected again, some after.
    for (let i = 0; i < 3; i += 1) await write();
    await expect.poll(shown).toEqual(expected());
    for (let i = 0; i < 2; i += 1) await write();
    await expect.poll(shown).toEqual(expected());
    await context.close();
  } finally {
    await server.remove();
  }
});
