import { Run } from './programs';
import { PASSWORD, axe, expect, look, test } from './test';

const HOSTILE = '<img src=x onerror=alert(1)>';

test('from signing up to the first reading of a Python program', async ({ page }) => {
  test.setTimeout(240_000);
  await page.goto('/signup');
  await page.getByLabel('E-mail address').fill(`grace-${Date.now()}@example.com`);
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign up' }).click();
  await expect(page.getByRole('heading', { name: 'Make your first project' })).toBeVisible();
  await page.getByLabel('Name').fill(`orchard ${Date.now()}`);
  await page.getByRole('button', { name: 'Make the project' }).click();

  await expect(page.getByRole('heading', { name: 'Waiting for the first reading' })).toBeVisible();
  const snippet = page.getByRole('region', { name: 'the Python snippet' });
  await expect(snippet).toContainText('YOUR-TOKEN');
  await page.getByLabel('Device id').fill('orchard-1');
  await page.getByRole('button', { name: 'Make its key' }).click();
  await expect(snippet).not.toContainText('YOUR-TOKEN');
  // Whoever has only a keyboard goes on from where the button was.
  await expect(page.getByRole('region', { name: 'the key' })).toBeFocused();
  await look(page, 'first-steps');

  const run = Run.python(await snippet.innerText());
  try {
    await expect(page.getByRole('heading', { name: 'Your first reading is here' }), run.said).toBeVisible({ timeout: 30_000 });
    const arrival = page.getByRole('region', { name: 'Readings as they arrive' });
    await expect(arrival).toContainText('orchard-1');
    await expect(arrival).toContainText('temperature');
    await expect(arrival.getByRole('img', { name: /: its last \d+ readings/ })).toBeVisible();
    await look(page, 'first-reading');
    await arrival.getByRole('link', { name: 'Live chart' }).click();
    await expect(page.getByRole('switch', { name: 'Live' })).toBeChecked();
    await expect(page.getByRole('region', { name: 'temperature' })).toBeVisible();
    await look(page, 'first-chart');
  } finally {
    await run.stop();
  }

  // The project is no longer empty: its overview shows what there is.
  await page.getByRole('link', { name: 'Overview' }).first().click();
  await expect(page.getByRole('heading', { name: 'Rows, last 24 hours' })).toBeVisible();
  await expect(page.getByRole('link', { name: 'orchard-1' })).toBeVisible();
});

test('the snippets of curl and of the command do what they say, with the key of the page', async ({ page, world }) => {
  const { person, project } = await world.home(page.context());
  await page.goto(`/p/${project.id}/first-steps`);
  for (const [tab, device] of [['curl', 'by-curl'], ['Command', 'by-command']] as const) {
    await page.getByLabel('Device id').fill(device);
    await page.getByRole('button', { name: 'Make its key' }).click();
    await expect(page.getByRole('region', { name: 'the key' })).toBeVisible();
    await page.getByRole('tab', { name: tab }).click();
    const text = await page.getByRole('region', { name: `the ${tab} snippet` }).innerText();
    const run = Run.shell(text);
    expect(await run.ended, run.said).toBe(0);
    await run.stop();
    await expect(page.getByRole('region', { name: 'Readings as they arrive' })).toContainText(device);
    await page.getByRole('button', { name: 'Another device' }).click();
  }
  // The keys are the devices' own: an admin made them for the project, they write only, and do not end.
  const { tokens } = await world.server.ask<{ tokens: Record<string, unknown>[] }>('GET', `/v1/tokens?project_id=${project.id}`, person.token);
  const keys = tokens.filter((token) => token.device_id);
  expect(keys.map((key) => key.device_id).sort()).toEqual(['by-command', 'by-curl']);
  for (const key of keys) expect(key).toMatchObject({ owner: 'project', read: false, write: true, admin: false, expires: expect.stringMatching(/^9999-/) });
});

test('every language is shown with the values of the user', async ({ page, world }) => {
  const { project } = await world.home(page.context());
  await page.goto(`/p/${project.id}`);
  await expect(page.getByRole('heading', { name: project.name })).toBeVisible();
  await page.getByLabel('Device id').fill('my device');
  await expect(page.getByText("' ' at position 3 is not allowed")).toBeVisible();
  await page.getByLabel('Device id').fill('bench-3');
  const tabs = page.getByRole('tablist', { name: 'Language' });
  await tabs.getByRole('tab', { name: 'Python' }).focus();
  for (const language of ['Python', 'Rust', 'curl', 'Command', 'Arduino']) {
    await expect(tabs.getByRole('tab', { name: language })).toBeFocused();
    const text = page.getByRole('region', { name: `the ${language} snippet` });
    for (const value of [world.server.url, String(project.id), 'bench-3']) await expect(text).toContainText(value);
    await axe(page);
    await page.keyboard.press('ArrowRight');
  }
});

test('hostile names are text, and a connection that breaks misses nothing', async ({ page, world }) => {
  const { project } = await world.home(page.context());
  await page.goto(`/p/${project.id}/first-steps`);
  await expect(page.getByRole('heading', { name: 'Waiting for the first reading' })).toBeVisible();
  await world.device(project, 'hostile', { device_name: HOSTILE });
  await expect(page.getByText('what it sends appears here within a second')).toBeVisible();
  await world.rows(project, 'hostile', ['note', 'level'], [[Date.now(), HOSTILE, 1]]);
  const arrival = page.getByRole('region', { name: 'Readings as they arrive' });
  await expect(arrival).toContainText(HOSTILE);

  await world.server.stop();
  await expect(arrival).toContainText('reconnecting');
  await world.server.start();
  await world.rows(project, 'hostile', ['note', 'level'], [[Date.now(), 'after the break', 2]]);
  await expect(arrival).toContainText('after the break');
  await expect(arrival).toContainText('2 rows');
});

test('who may only look is told so', async ({ page, world }) => {
  const owner = await world.person();
  const project = await world.project(owner);
  const guest = await world.person();
  await world.server.ask('PATCH', `/v1/projects/${project.id}/permissions`, owner.token, { user_id: guest.user_id, read: true, write: false, admin: false });
  await world.signIn(page.context(), guest);
  await page.goto(`/p/${project.id}/first-steps`);
  await expect(page.getByRole('heading', { name: 'You may look, but not send' })).toBeVisible();
  await expect(page.getByRole('link', { name: 'Settings' })).toHaveCount(0);
});
