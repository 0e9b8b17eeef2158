import { readFileSync } from 'node:fs';
import { Run } from './programs';
import { type Project, type World, expect, look, test } from './test';

const HOUR = 3_600_000;

/** Three devices over the last two hours: one silent for a while, one with values that would be harm as HTML. */
async function greenhouse(world: World, project: Project, now = Date.now()): Promise<number> {
  for (const [at, id] of ['bench-1', 'bench-2', 'bench-3'].entries()) {
    await world.device(project, id, at === 2 ? { device_name: '<img src=x onerror="window.harm=1">' } : {});
    const rows: unknown[][] = [];
    for (let step = 0; step < 720; step += 1) {
      if (at === 1 && step > 300 && step < 420) continue;
      const turn = step / 90 + at;
      rows.push([now - 2 * HOUR + step * 10_000, 20 + 4 * Math.sin(turn), 55 + 10 * Math.cos(turn), Math.sin(turn * 2) > 0, Math.cos(turn) > 0.5 ? '<b>hot</b>' : 'busy']);
    }
    await world.rows(project, id, ['temperature', 'humidity', 'open', 'mode'], rows);
  }
  return now;
}

test('readings are looked at, and come closer to by keys and by the mouse', async ({ page, world }) => {
  const { project } = await world.home(page.context());
  await greenhouse(world, project);
  await page.goto(`/p/${project.id}/explore?from=now-3h`);
  const chart = page.getByRole('group', { name: /^temperature/ });
  await expect(chart).toBeVisible();
  await expect(page.getByText('every row')).toBeVisible();
  // A line is there, in the first device's colour, and is not joined over the silence of the second.
  await expect.poll(() => chart.locator('canvas').evaluate((canvas: HTMLCanvasElement) => {
    const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
    let blue = 0;
    for (let at = 0; at < data.length; at += 4) blue += Number(data[at] === 0x27 && data[at + 1] === 0x76 && data[at + 2] === 0xc3);
    return blue;
  })).toBeGreaterThan(200);
  await look(page, 'explore');

  // Keys read values, and come closer; each step is an address that the way back leads through.
  await chart.focus();
  await page.keyboard.press('End');
  await expect(page.getByText(/^\d{4}-.*bench-1 [\d.]+/).first()).toBeAttached();
  await page.keyboard.press('+');
  await expect(page).toHaveURL(/from=20\d\d/);
  await page.goBack();
  await expect(page).toHaveURL(/from=now-3h/);
  // And so does the mouse.
  const box = (await chart.boundingBox())!;
  await page.mouse.move(box.x + box.width * 0.4, box.y + 60);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.6, box.y + 80, { steps: 4 });
  await page.mouse.up();
  await expect(page).toHaveURL(/from=20\d\d/);
  const zoomed = new URL(page.url()).searchParams;
  expect(Date.parse(zoomed.get('to')!) - Date.parse(zoomed.get('from')!)).toBeLessThan(HOUR);
  await page.keyboard.down('Shift');
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.8, box.y + 80, { steps: 4 });
  await page.mouse.up();
  await page.keyboard.up('Shift');
  await expect.poll(() => new URL(page.url()).searchParams.get('from')! < zoomed.get('from')!).toBe(true);
});

test('what is chosen is in the address, and the address shows it to whoever opens it', async ({ page, world }) => {
  const { project } = await world.home(page.context());
  await greenhouse(world, project);
  await page.goto(`/p/${project.id}/explore?from=now-3h`);
  await page.getByLabel('Show', { exact: true }).selectOption('mean');
  await page.getByLabel('Per', { exact: true }).selectOption('10m');
  await page.getByRole('checkbox', { name: /humidity/ }).uncheck();
  const devices = page.getByRole('combobox', { name: 'Devices' });
  await devices.fill('bench');
  await page.getByRole('option', { name: /bench-2/ }).click();
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Add a condition' }).click();
  await page.getByLabel('Field of condition 1').selectOption('temperature');
  await page.getByLabel('Value of condition 1').fill('18');
  await page.getByLabel('Value of condition 1').press('Tab');
  await page.getByRole('tab', { name: 'Bars' }).click();
  await expect(page).toHaveURL(/op=mean/);
  await expect(page.getByText('mean per 10m')).toBeVisible();
  await page.reload();
  await expect(page.getByText('mean per 10m')).toBeVisible();
  await expect(page.getByLabel('Value of condition 1')).toHaveValue('18');
  await look(page, 'explore-bars');

  await page.getByRole('tab', { name: 'Statistics' }).click();
  await expect(page.getByRole('row').filter({ hasText: 'bench-2' })).toContainText('temperature');
  await look(page, 'explore-statistics');
  await page.getByRole('tab', { name: 'Table' }).click();
  await expect(page.getByRole('columnheader', { name: 'mean_temperature' })).toBeVisible();
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Download' }).click().then(() => page.getByRole('menuitem', { name: /CSV/ }).click()),
  ]);
  expect(file.suggestedFilename()).toMatch(/^input-.*\.csv$/);
  expect(readFileSync(await file.path(), 'utf8').split('\n')[0]).toContain('mean_temperature');
});

test('what is on screen runs elsewhere: as SQL, by curl and by the command', async ({ page, world }) => {
  const { project } = await world.home(page.context());
  const now = await greenhouse(world, project);
  const to = new Date(now).toISOString();
  const from = new Date(now - HOUR).toISOString();
  await page.goto(`/p/${project.id}/explore?${new URLSearchParams({ from, to, f: 'temperature,mode', op: 'last', every: '15m', w: "mode:ne:it's" })}`);
  await expect(page.getByText('last per 15m')).toBeVisible();
  await page.getByRole('button', { name: 'Show me this as' }).click();
  const dialog = page.getByRole('dialog');
  const code = async (tab: string) => {
    await dialog.getByRole('tab', { name: tab }).click();
    return dialog.getByRole('region').innerText();
  };
  await look(page, 'explore-as');
  const curl = Run.shell(`export IOBEAM_TOKEN=${project.token}\n${await code('REST call')}`);
  expect(await curl.ended, curl.said).toBe(0);
  expect(curl.said).toContain('"bucket":"15m"');
  const command = Run.shell(`export IOBEAM_BACKEND=${world.server.url} IOBEAM_TOKEN=${project.token}\n${await code('Command')}`);
  expect(await command.ended, command.said).toBe(0);
  expect(command.said).toContain('last_temperature');
  await code('SQL');
  await dialog.getByRole('link', { name: 'Open in the SQL console' }).click();
  await expect(page).toHaveURL(/\/sql\?q=/);
  await expect(page.getByRole('columnheader', { name: 'last_mode' })).toBeVisible();
  await expect(page.getByRole('cell', { name: '<b>hot</b>' }).first()).toBeVisible();
  await curl.stop();
  await command.stop();
});

test('times are chosen as people say them', async ({ page, world }) => {
  const { project } = await world.home(page.context());
  await greenhouse(world, project);
  await page.goto(`/p/${project.id}/explore`);
  const time = page.getByRole('button', { name: /^Time/ });
  await time.click();
  const dialog = page.getByRole('dialog', { name: 'Time' });
  await look(page, 'time');
  await dialog.getByRole('button', { name: 'Yesterday' }).click();
  await expect(page).toHaveURL(/from=now-1d%2Fd/);
  await expect(page.getByRole('heading', { name: 'Nothing was heard in this time' }).or(page.getByText('bench-1').first()).first()).toBeVisible();
  await time.click();
  await dialog.getByLabel('From').fill('blursday');
  await expect(dialog.getByRole('button', { name: 'Show this time' })).toBeDisabled();
  await dialog.getByLabel('From').fill('3 hours ago');
  await dialog.getByLabel('To').fill('now');
  await dialog.getByLabel('Time zone').fill('Asia/Tokyo');
  await dialog.getByRole('button', { name: 'Show this time' }).click();
  await expect(page).toHaveURL(/from=now-3h/);
  await expect(page).toHaveURL(/zone=Asia%2FTokyo/);
  await expect(time).toContainText('UTC+09:00');
  await expect(page.getByRole('group', { name: /^temperature/ })).toBeVisible();
  await time.click();
  await dialog.getByRole('gridcell').filter({ hasText: /^10$/ }).first().getByRole('button').click();
  await dialog.getByRole('gridcell').filter({ hasText: /^12$/ }).first().getByRole('button').click();
  await expect(dialog.getByLabel('From')).toHaveValue(/-10 00:00$/);
  await expect(dialog.getByLabel('To')).toHaveValue(/-13 00:00$/);
});

test('names and values of devices are text and never more', async ({ page, world }) => {
  const { project } = await world.home(page.context());
  await greenhouse(world, project);
  await page.goto(`/p/${project.id}/explore?from=now-3h&f=mode,open&d=bench-3`);
  await expect(page.getByRole('list', { name: 'States' }).getByText('<b>hot</b>')).toBeVisible();
  await page.getByRole('combobox', { name: 'Devices' }).fill('img');
  await expect(page.getByRole('option').getByText('<img src=x')).toBeVisible();
  await look(page, 'explore-states');
  expect(await page.evaluate(() => 'harm' in window)).toBe(false);
});

test('a project without readings, a slow reply, and a server that stopped are told apart', async ({ page, world }) => {
  const { project } = await world.home(page.context());
  await page.goto(`/p/${project.id}/explore`);
  await expect(page.getByRole('heading', { name: 'Nothing to explore yet' })).toBeVisible();
  await look(page, 'explore-empty');

  await greenhouse(world, project);
  let answer = () => {};
  const held = new Promise<void>((resolve) => (answer = resolve));
  await page.route('**/v1/query', async (route) => {
    await held;
    await route.continue();
  }, { times: 1 });
  await page.goto(`/p/${project.id}/explore?from=now-3h`);
  await expect(page.getByRole('status').filter({ hasText: 'Loading' })).toBeAttached();
  answer();
  await expect(page.getByRole('group', { name: /^temperature/ })).toBeVisible();

  await page.route('**/v1/query', (route) => route.abort());
  await page.getByRole('button', { name: 'Ask again' }).click();
  await expect(page.getByText('The server does not answer')).toBeVisible();
  // What was there stays in sight.
  await expect(page.getByRole('group', { name: /^temperature/ })).toBeVisible();
  await page.unroute('**/v1/query');
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(page.getByText('The server does not answer')).toHaveCount(0);
});

test('new readings are on the open chart, also after the connection was lost, each once', async ({ page, world }) => {
  const { project } = await world.home(page.context());
  const now = await greenhouse(world, project);
  await page.goto(`/p/${project.id}/explore?f=temperature,mode&live=1&from=now-15m`);
  await expect(page.getByText('live', { exact: true })).toBeVisible();
  const legend = page.getByRole('list', { name: 'Series' });
  await world.rows(project, 'bench-1', ['temperature', 'mode'], [[now + 1000, 33.25, 'rest']]);
  await expect(legend.getByRole('button', { name: /bench-1/ })).toContainText('33.25');
  await expect(page.getByRole('list', { name: 'States' }).getByText('rest')).toBeVisible();
  // A device that nobody knew of when the chart was drawn joins it.
  await world.device(project, 'late');
  await world.rows(project, 'late', ['temperature'], [[now + 2000, 12.5]]);
  await expect(legend.getByRole('button', { name: /late/ })).toContainText('12.5');

  await world.server.stop();
  await expect(page.getByText('reconnecting')).toBeVisible();
  await world.server.start();
  await world.rows(project, 'bench-1', ['temperature'], [[now + 3000, 44.5]]);
  await expect(page.getByText('live', { exact: true })).toBeVisible({ timeout: 30_000 });
  await expect(legend.getByRole('button', { name: /bench-1/ })).toContainText('44.5');

  // Means of buckets follow, too.
  await page.getByLabel('Show', { exact: true }).selectOption('max');
  await page.getByLabel('Per', { exact: true }).selectOption('5m');
  await world.rows(project, 'bench-1', ['temperature'], [[now + 4000, 99]]);
  await expect(legend.getByRole('button', { name: /bench-1/ })).toContainText('99');
});

test('what was found is put on a new board and on one that there is', async ({ page, world }) => {
  const { project } = await world.home(page.context());
  await greenhouse(world, project);
  await page.goto(`/p/${project.id}/explore?from=now-3h&f=temperature,mode&d=bench-1&op=last&every=10m&w=temperature:gt:18&kind=points`);
  const dialog = page.getByRole('dialog', { name: 'Add to a board' });
  const open = async () => {
    await page.getByRole('button', { name: 'Add to a board' }).click();
    await expect(dialog.getByLabel('Board', { exact: true })).toBeVisible();
  };
  await open();
  await expect(dialog.getByRole('button', { name: 'Add to the board' })).toBeDisabled();
  await dialog.getByLabel('Name of the board').fill('Benches');
  await dialog.getByLabel('Title of the panel').fill('Warm air');
  await look(page, 'explore-board');
  await dialog.getByRole('button', { name: 'Add to the board' }).click();
  await expect(dialog).toBeHidden();

  // The other time the board is there to be chosen, and what is on it stays.
  await page.goto(`/p/${project.id}/explore?f=humidity`);
  await open();
  await expect(dialog.getByLabel('Board', { exact: true }).locator('option')).toHaveText(['Benches', 'A new board']);
  await dialog.getByRole('button', { name: 'Add to the board' }).click();
  await page.getByRole('button', { name: 'Open the board' }).click();
  await expect(page.getByRole('heading', { name: 'Benches' })).toBeVisible();
  for (const name of ['Warm air', 'Warm air (states)', 'humidity']) {
    await expect(page.getByRole('article', { name, exact: true }).getByRole('group').or(page.getByRole('article', { name, exact: true }).getByRole('figure')).first()).toBeVisible();
  }
  // All that was asked came along: the way back to the same question says it.
  const asked = new URL((await page.getByRole('link', { name: 'Explore Warm air', exact: true }).getAttribute('href'))!, page.url()).searchParams;
  expect(Object.fromEntries(asked)).toMatchObject({ f: 'temperature', d: 'bench-1', w: 'temperature:gt:18', op: 'last', every: '10m', from: 'now-3h' });
});
