import { Server } from './server';
import { PASSWORD, World, expect, look, test } from './test';

// The first account of a server is its operator's: this one has a server of its own, where sign-up is by invitation.
test('the operator sees how the server is doing, and invites others to sign up', async ({ browser }) => {
  test.setTimeout(240_000);
  const server = new Server(['--signup', 'invite']);
  await server.start();
  const context = await browser.newContext({ baseURL: server.url, reducedMotion: 'reduce' });
  try {
    const world = new World(server);
    const code = (await import('node:fs')).readFileSync(`${server.folder}/first-invite`, 'utf8').trim();
    const page = await context.newPage();
    await page.goto('/signup');
    await look(page, 'sign-up-invite');
    await page.getByLabel('E-mail address').fill('operator@example.com');
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByLabel('Invite code').fill('wrong');
    await page.getByRole('button', { name: 'Sign up' }).click();
    await expect(page.getByRole('alert').first()).toBeVisible();
    await page.getByLabel('Invite code').fill(code);
    await page.getByRole('button', { name: 'Sign up' }).click();
    await expect(page.getByRole('heading', { name: 'Make your first project' })).toBeVisible();

    await page.getByRole('link', { name: 'Server' }).click();
    await expect(page.getByText('ready', { exact: true })).toBeVisible();
    await expect(page.getByText('Answered since the start')).toBeVisible();
    await page.getByRole('button', { name: 'New invite' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('For how many people').fill('2');
    await dialog.getByRole('button', { name: 'Make the invite' }).click();
    const link = (await dialog.getByRole('region', { name: 'the link to sign up' }).innerText()).trim();
    await dialog.getByRole('button', { name: 'Done' }).click();
    await expect(page.getByText('0 of 2')).toBeVisible();
    await look(page, 'server');

    const other = await browser.newContext({ baseURL: server.url });
    const seen = await other.newPage();
    await seen.goto(link);
    await seen.getByLabel('E-mail address').fill('second@example.com');
    await seen.getByLabel('Password').fill(PASSWORD);
    await seen.getByRole('button', { name: 'Sign up' }).click();
    await expect(seen.getByRole('heading', { name: 'Make your first project' })).toBeVisible();
    await expect(seen.getByRole('link', { name: 'Server' })).toHaveCount(0);
    await other.close();

    await page.reload();
    await expect(page.getByText('1 of 2')).toBeVisible();
    await page.getByRole('button', { name: /^Revoke/ }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
    await expect(page.getByRole('cell', { name: 'revoked' })).toBeVisible();

    await server.stop();
    await expect(page.getByText('no answer')).toBeVisible();
    expect(world.server).toBe(server);
  } finally {
    await context.close();
    await server.remove();
  }
});
