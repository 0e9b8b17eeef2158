import { Run } from './programs';
import { expect, look, test } from './test';

test('a token of the page is used by the command, is seen to be used, and is refused once it is revoked', async ({ page, world }) => {
  const { project } = await world.home(page.context());
  await world.device(project, 'gateway');
  await page.goto(`/p/${project.id}/tokens`);
  await page.getByRole('button', { name: 'New token' }).first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('<img src=x onerror=alert(1)>');
  await dialog.getByRole('switch', { name: 'For one device only' }).check();
  await dialog.getByLabel('Device id').fill('gateway');
  await dialog.getByLabel('It is good for').selectOption('1d');
  await look(page, 'new-token');
  await dialog.getByRole('button', { name: 'Make the token' }).click();
  const token = (await dialog.getByRole('region', { name: 'the token' }).innerText()).trim();
  expect(token.length).toBeLessThanOrEqual(231);
  await look(page, 'new-token-made');
  // It is shown this once, and not lost to a slip.
  await page.keyboard.press('Escape');
  await expect(dialog).toBeVisible();
  await dialog.getByRole('button', { name: 'Done' }).click();

  const send = (device: string) =>
    Run.shell(`IOBEAM_BACKEND=${world.server.url} IOBEAM_TOKEN=${token} iobeam import --project-id ${project.id} --device ${device} --fields speed --values 81.5`);
  const own = send('gateway');
  expect(await own.ended, own.said).toBe(0);
  await own.stop();
  const other = send('other');
  expect(await other.ended).not.toBe(0);
  await other.stop();

  await page.reload();
  const row = page.getByRole('row').filter({ hasText: 'gateway' });
  await expect(row).toContainText('<img src=x onerror=alert(1)>');
  await expect(row.getByText(/just now|seconds ago/).first()).toBeVisible();
  await look(page, 'tokens');
  // On a telephone a row is a card, and a row all the same for those who hear it.
  await page.setViewportSize({ width: 360, height: 800 });
  await expect(row.getByRole('cell', { name: 'gateway' })).toBeVisible();
  await expect(row.getByRole('button', { name: /^Revoke/ })).toBeInViewport();
  await page.setViewportSize({ width: 1280, height: 720 });
  await row.getByRole('button', { name: /^Revoke/ }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
  await expect(row).toHaveCount(0);
  const late = send('gateway');
  expect(await late.ended).not.toBe(0);
  await late.stop();
  await page.getByRole('tab', { name: /^All/ }).click();
  await expect(page).toHaveURL(/show=all/);
  await expect(row.getByText('revoked')).toBeVisible();
});

test('a project without tokens says what they are for', async ({ page, world }) => {
  const person = await world.person();
  await world.signIn(page.context(), person);
  const { project_id } = await world.server.ask<{ project_id: number }>('POST', '/v1/projects', person.token, { project_name: `bare ${person.username}` });
  await page.goto(`/p/${project_id}/tokens`);
  await expect(page.getByRole('heading', { name: 'No token yet' })).toBeVisible();
  await look(page, 'tokens-empty');
});

test('whose session was ended elsewhere signs in again and comes back', async ({ page, world }) => {
  const { person, project } = await world.home(page.context());
  await page.goto(`/p/${project.id}/tokens`);
  await expect(page.getByRole('table')).toBeVisible();
  const { tokens } = await world.server.ask<{ tokens: { token_id: number; kind: string }[] }>('GET', '/v1/tokens', person.token);
  const own = Number(JSON.parse(Buffer.from(person.token.split('.')[1]!, 'base64url').toString()).tid ?? 0);
  for (const { token_id, kind } of tokens) if (kind === 'user' && token_id !== own && token_id !== Math.min(...tokens.map((one) => one.token_id))) await world.server.ask('DELETE', `/v1/tokens/${token_id}`, person.token);
  await page.getByRole('button', { name: 'New token' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Make the token' }).click();
  await expect(page).toHaveURL(/\/signin\?next=/);
  await page.getByLabel('E-mail address or user name').fill(person.email);
  await page.getByLabel('Password').fill('correct horse battery');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page).toHaveURL(new RegExp(`/p/${project.id}/tokens$`));
});
