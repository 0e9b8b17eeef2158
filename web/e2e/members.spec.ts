import { PASSWORD, expect, look, test } from './test';

test('a member is added by name, may do less, and leaves', async ({ page, browser, world }) => {
  const { project } = await world.home(page.context());
  const guest = await world.person();
  await page.goto(`/p/${project.id}/members`);
  await expect(page.getByRole('button', { name: /^Leave/ })).toBeDisabled();
  await page.getByRole('button', { name: 'Add a member' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('E-mail address or user name').fill('nobody-at-all');
  await dialog.getByRole('button', { name: 'Add' }).click();
  await expect(dialog.getByRole('alert')).toContainText('Nobody here is called like that');
  await dialog.getByLabel('E-mail address or user name').fill(guest.username);
  await look(page, 'add-member');
  await dialog.getByRole('button', { name: 'Add' }).click();
  const row = page.getByRole('row').filter({ hasText: guest.username });
  await expect(row).toBeVisible();
  await row.getByRole('button', { name: /^Change/ }).click();
  await dialog.getByRole('checkbox', { name: 'Write' }).check();
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(row.getByText('write')).toBeVisible();
  await look(page, 'members');

  const theirs = await browser.newContext({ baseURL: world.server.url });
  await world.signIn(theirs, guest);
  const seen = await theirs.newPage();
  await seen.goto(`/p/${project.id}/members`);
  await expect(seen.getByText('Only admins of the project change who is a member.')).toBeVisible();
  await expect(seen.getByRole('button', { name: 'Add a member' })).toHaveCount(0);
  await theirs.close();

  await row.getByRole('button', { name: /^Remove/ }).click();
  await dialog.getByRole('button', { name: 'Remove' }).click();
  await expect(row).toHaveCount(0);
});

test('who has no account is invited, signs up by the link, and is in', async ({ page, browser, world }) => {
  const { project } = await world.home(page.context());
  const email = `invited-${Date.now()}@example.com`;
  await page.goto(`/p/${project.id}/members`);
  await page.getByRole('button', { name: 'Add a member' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('E-mail address or user name').fill(email);
  await dialog.getByRole('button', { name: 'Add' }).click();
  const link = (await dialog.getByRole('region', { name: 'the link of the invite' }).innerText()).trim();
  await dialog.getByRole('button', { name: 'Done' }).click();
  await expect(page.getByRole('row').filter({ hasText: email })).toBeVisible();

  const theirs = await browser.newContext({ baseURL: world.server.url });
  const seen = await theirs.newPage();
  await seen.goto(`/invite${new URL(link).hash}`);
  await expect(seen.getByRole('heading', { name: 'You are invited' })).toBeVisible();
  await look(seen, 'invite');
  await seen.getByRole('link', { name: 'Sign up' }).click();
  await seen.getByLabel('E-mail address').fill(email);
  await seen.getByLabel('Password').fill(PASSWORD);
  await seen.getByRole('button', { name: 'Sign up' }).click();
  await expect(seen).toHaveURL(new RegExp(`/p/${project.id}$`));
  await theirs.close();

  await page.reload();
  await expect(page.getByRole('group', { name: 'Invited people' })).toHaveCount(0);
});

test('an invite is accepted by who has an account, and one that was withdrawn works no longer', async ({ page, browser, world }) => {
  const { person, project } = await world.home(page.context());
  const guest = await world.person();
  const invite = await world.server.ask<{ link: string }>('POST', `/v1/projects/${project.id}/invites`, person.token, { email: guest.email, read: true, write: false, admin: false });
  const lost = await world.server.ask<{ link: string }>('POST', `/v1/projects/${project.id}/invites`, person.token, { email: 'wrong@example.com', read: true, write: false, admin: false });
  await page.goto(`/p/${project.id}/members`);
  await page.getByRole('row').filter({ hasText: 'wrong@example.com' }).getByRole('button').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Withdraw' }).click();
  await expect(page.getByRole('row').filter({ hasText: 'wrong@example.com' })).toHaveCount(0);

  const theirs = await browser.newContext({ baseURL: world.server.url });
  const seen = await theirs.newPage();
  await seen.goto(`/invite${new URL(invite.link, world.server.url).hash}`);
  await seen.getByRole('link', { name: 'I have an account' }).click();
  await seen.getByLabel('E-mail address or user name').fill(guest.username);
  await seen.getByLabel('Password').fill(PASSWORD);
  await seen.getByRole('button', { name: 'Sign in' }).click();
  await seen.getByRole('button', { name: 'Accept the invite' }).click();
  await expect(seen).toHaveURL(new RegExp(`/p/${project.id}$`));
  await seen.goto(`/invite${new URL(lost.link, world.server.url).hash}`);
  await seen.getByRole('button', { name: 'Accept the invite' }).click();
  await expect(seen.getByRole('alert').first()).toBeVisible();
  await theirs.close();
});
