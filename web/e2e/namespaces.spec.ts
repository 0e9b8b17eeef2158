import { expect, look, test } from './test';

test('a namespace is declared, filled, looked at, widened, kept shorter and deleted', async ({ page, world }) => {
  const { project } = await world.home(page.context());
  await page.goto(`/p/${project.id}/namespaces`);
  await page.getByRole('button', { name: 'New namespace' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name', { exact: true }).fill('two words');
  await expect(dialog.getByText(/A space is not allowed/)).toBeVisible();
  await dialog.getByLabel('Name', { exact: true }).fill('energy');
  await dialog.getByLabel('Name of field 1').fill('power');
  await dialog.getByRole('button', { name: 'Add a field' }).click();
  await dialog.getByLabel('Name of field 2').fill('POWER');
  await expect(dialog.getByText('There is a field of that name').first()).toBeVisible();
  await dialog.getByLabel('Name of field 2').fill('counter');
  await dialog.getByLabel('Type of field 2').selectOption('LONG');
  await dialog.getByRole('button', { name: 'Add a label' }).click();
  await dialog.getByLabel('Name of label 1').fill('site');
  await dialog.getByLabel('Value of label 1').fill('<i>north</i>');
  await look(page, 'namespace-new');
  await dialog.getByRole('button', { name: 'Make the namespace' }).click();
  await expect(page).toHaveURL(/\/namespaces\/energy$/);
  await expect(page.getByText('<i>north</i>')).toBeVisible();

  await world.device(project, 'meter');
  await world.server.ask('POST', '/v1/imports?fmt=table', project.token, {
    project_id: project.id, namespace: 'energy', labels: { device_id: 'meter' }, data: { fields: ['time', 'power', 'counter'], values: [[Date.now(), 100, 7]] },
  });
  await page.getByRole('button', { name: 'Add a field' }).click();
  await dialog.getByLabel('Name of field 1').fill('phase');
  await dialog.getByRole('button', { name: 'Add', exact: true }).click();
  await expect(page.getByRole('row').filter({ hasText: 'phase' })).toContainText('DOUBLE');
  await page.getByRole('region', { name: 'Retention' }).getByRole('button', { name: 'Change' }).click();
  await dialog.getByLabel('Keep rows').selectOption('own');
  await dialog.getByLabel('How long').fill('soon');
  await expect(dialog.getByRole('button', { name: 'Set the retention' })).toBeDisabled();
  await dialog.getByLabel('How long').fill('45d');
  await dialog.getByRole('button', { name: 'Set the retention' }).click();
  await expect(page.getByText('Rows are kept 45 days')).toBeVisible();
  await expect(page.getByText('none')).toHaveCount(0);
  await look(page, 'namespace');
  await page.getByRole('link', { name: 'Explore power' }).click();
  await expect(page.getByRole('group', { name: /^power/ })).toBeVisible();

  await page.goto(`/p/${project.id}/namespaces`);
  await expect(page.getByRole('row').filter({ hasText: 'energy' })).toContainText('45 days');
  await look(page, 'namespaces');

  await page.getByRole('link', { name: 'energy' }).click();
  await page.getByRole('button', { name: 'Delete the namespace' }).click();
  await expect(dialog.getByRole('button', { name: 'Delete for good' })).toBeDisabled();
  await dialog.getByLabel('To go on, write: energy').fill('energy');
  await dialog.getByRole('button', { name: 'Delete for good' }).click();
  await expect(page).toHaveURL(/\/namespaces$/);
  await expect(page.getByRole('link', { name: 'input' })).toBeVisible();
  await expect(page.getByRole('link', { name: 'energy' })).toHaveCount(0);
});

test('rows are counted before they are deleted, a field is converted, and input is emptied', async ({ page, world }) => {
  const { project } = await world.home(page.context());
  await world.device(project, 'stove');
  await world.server.ask('POST', '/v1/imports?fmt=table', project.token, {
    project_id: project.id, namespace: 'input', labels: { device_id: 'stove' }, data: { fields: ['time', 'heat'], values: [[1000, 'unavailable'], [2000, '21.5'], [3000, '-127']] },
  });
  await page.goto(`/p/${project.id}/namespaces/input`);
  const dialog = page.getByRole('dialog');
  await page.getByRole('button', { name: 'Change heat' }).click();
  await expect(dialog.getByRole('button', { name: 'Convert' })).toBeDisabled();
  await dialog.getByLabel('New type').selectOption('DOUBLE');
  await look(page, 'field-change');
  await dialog.getByRole('button', { name: 'Convert' }).click();
  await expect(page.getByRole('row').filter({ hasText: 'heat' }).first()).toContainText('DOUBLE');
  await page.getByRole('button', { name: '1 values' }).click();
  await expect(dialog.getByText('unavailable')).toBeVisible();
  await page.keyboard.press('Escape');

  await page.getByRole('button', { name: 'Delete rows' }).click();
  await expect(dialog.getByRole('button', { name: 'Count the rows' })).toBeDisabled();
  await dialog.getByLabel('Conditions').fill('le(heat,-100)');
  await dialog.getByRole('button', { name: 'Count the rows' }).click();
  await expect(dialog.getByText(/1 rows match/)).toBeVisible();
  await dialog.getByRole('button', { name: 'Delete 1 rows for good' }).click();
  await expect(page.getByRole('row').filter({ hasText: 'Rows deleted' })).toContainText('done');

  await page.getByRole('button', { name: 'Delete all rows' }).click();
  await dialog.getByLabel('To go on, write: input').fill('input');
  await dialog.getByRole('button', { name: 'Delete all rows for good' }).click();
  await expect(page.getByText('Nothing was corrected yet')).toBeVisible();
  await expect(page.getByRole('region', { name: 'Fields' })).toContainText('heat');
});

test('who may only read changes nothing, and input cannot be deleted', async ({ page, world }) => {
  const { person, project } = await world.home(page.context());
  await page.goto(`/p/${project.id}/namespaces/input`);
  await expect(page.getByRole('button', { name: 'Add a field' })).toBeVisible();
  await expect(page.getByRole('button', { name: 'Delete the namespace' })).toHaveCount(0);
  const reader = await world.person();
  await world.server.ask('PATCH', `/v1/projects/${project.id}/permissions`, person.token, { user_id: reader.user_id, read: true, write: false, admin: false });
  await world.signIn(page.context(), reader);
  await page.goto(`/p/${project.id}/namespaces/input`);
  await expect(page.getByRole('region', { name: 'Fields' })).toBeVisible();
  for (const name of ['Add a field', 'Change']) await expect(page.getByRole('button', { name })).toHaveCount(0);
  await page.goto(`/p/${project.id}/namespaces/nowhere`);
  await expect(page.getByRole('heading', { name: 'There is no such namespace' })).toBeVisible();
});

test('a server that stopped is told, and asked again', async ({ page, world }) => {
  const { project } = await world.home(page.context());
  await page.route('**/v1/namespaces', (route) => route.abort());
  await page.goto(`/p/${project.id}/namespaces`);
  await expect(page.getByText('The server does not answer')).toBeVisible();
  await page.unroute('**/v1/namespaces');
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(page.getByRole('link', { name: 'input' })).toBeVisible();
});
