import { expect, look, test } from './test';

test('a project is renamed, takes unknown devices, and is deleted with all that is in it', async ({ page, world }) => {
  const { person, project } = await world.home(page.context());
  await world.device(project, 'bench-1');
  await world.rows(project, 'bench-1', ['temperature'], [[Date.now(), 20]]);
  await page.goto(`/p/${project.id}/settings`);
  const name = `renamed ${project.name}`;
  await page.getByLabel('Project name').fill(name);
  await page.getByRole('button', { name: 'Rename' }).click();
  await expect(page.getByRole('button', { name: `Project: ${name}` })).toBeVisible();

  await page.getByRole('switch', { name: 'Register unknown devices' }).check();
  await expect(page.getByText('Unknown devices are registered when they send')).toBeVisible();
  await world.rows(project, 'unknown-1', ['temperature'], [[Date.now(), 21]]);
  await look(page, 'settings');

  await page.getByRole('button', { name: 'Delete the project' }).click();
  const dialog = page.getByRole('dialog');
  const last = dialog.getByRole('button', { name: 'Delete for good' });
  await expect(last).toBeDisabled();
  await dialog.getByLabel('To go on').fill('something else');
  await expect(last).toBeDisabled();
  await look(page, 'delete-project');
  await dialog.getByLabel('To go on').fill(name);
  await last.click();
  await expect(page).toHaveURL(/\/projects$/);
  await expect(page.getByText('No project yet')).toBeVisible();
  await expect(world.server.ask('GET', `/v1/projects/${project.id}`, person.token)).rejects.toThrow('404');
  await expect(world.server.ask('GET', '/v1/devices', project.token)).rejects.toThrow();
});

test('what the server refuses is undone on the page', async ({ page, world }) => {
  const { project } = await world.home(page.context());
  await page.goto(`/p/${project.id}/settings`);
  const auto = page.getByRole('switch', { name: 'Register unknown devices' });
  await page.route('**/v1/projects/*', (route) => (route.request().method() === 'PATCH' ? route.abort() : route.continue()));
  await auto.click();
  await expect(page.getByText('The server does not answer')).toBeVisible();
  await expect(auto).not.toBeChecked();
});
