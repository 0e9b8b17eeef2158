import { PASSWORD, axe, expect, look, test } from './test';

test('someone signs up, makes a project, and is let in again with the password', async ({ page }) => {
  const email = `ada-${Date.now()}@example.com`;
  await page.goto('/');
  await expect(page).toHaveURL(/\/signin$/);
  await look(page, 'sign-in');
  await page.getByRole('link', { name: 'Sign up' }).click();
  await expect(page.getByRole('heading', { name: 'Sign up' })).toBeFocused();
  await look(page, 'sign-up');
  await page.getByLabel('E-mail address').fill(email);
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign up' }).click();

  await expect(page.getByRole('heading', { name: 'Make your first project' })).toBeVisible();
  await look(page, 'welcome');
  await page.getByLabel('Name').fill(`greenhouse of ${email}`);
  await page.getByRole('button', { name: 'Make the project' }).click();
  await expect(page).toHaveURL(/\/p\/\d+\/first-steps$/);

  // The cookie is out of reach of scripts, and nothing else holds the session.
  expect(await page.evaluate(() => document.cookie)).toBe('');
  expect(await page.evaluate(() => JSON.stringify([localStorage, sessionStorage]))).toBe('[{},{}]');
  await page.reload();
  await expect(page.getByRole('heading', { name: 'First steps' })).toBeVisible();

  await page.getByRole('button', { name: /^Account/ }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await expect(page).toHaveURL(/\/signin/);
  await page.getByLabel('E-mail address or user name').fill(email);
  await page.getByLabel('Password').fill('not the password');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('alert').first()).toBeVisible();
  await expect(page.getByLabel('E-mail address or user name')).toHaveValue(email);
  await axe(page);
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page).toHaveURL(/\/p\/\d+/);
});

test('one comes back to the page that asked for a sign-in, and never to another server', async ({ page, world }) => {
  const person = await world.person();
  await page.goto('/profile');
  await expect(page).toHaveURL(/\/signin\?next=%2Fprofile$/);
  await page.getByLabel('E-mail address or user name').fill(person.username);
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('heading', { name: 'Profile' })).toBeVisible();

  await page.context().clearCookies();
  await page.goto('/signin?next=//example.com/');
  await page.getByLabel('E-mail address or user name').fill(person.username);
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('heading', { name: 'Make your first project' })).toBeVisible();
});

test('a forgotten password is chosen anew with the key of a letter', async ({ page, server, world }) => {
  const person = await world.person();
  await page.goto('/forgot');
  await look(page, 'forgot');
  await page.getByLabel('E-mail address').fill(person.email);
  await page.getByRole('button', { name: 'Send the letter' }).click();
  await expect(page.getByRole('heading', { name: 'Look into your mail' })).toBeVisible();
  await page.goto(`/reset#${await server.key(person.email, 'reset')}`);
  await look(page, 'reset');
  await page.getByLabel('New password').fill('another good one');
  await page.getByRole('button', { name: 'Set the password' }).click();
  await expect(page).toHaveURL(/\/signin$/);
  await page.getByLabel('E-mail address or user name').fill(person.email);
  await page.getByLabel('Password').fill('another good one');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('heading', { name: 'Make your first project' })).toBeVisible();

  await page.context().clearCookies();
  await page.goto('/reset#nonsense');
  await page.getByLabel('New password').fill('another good one');
  await page.getByRole('button', { name: 'Set the password' }).click();
  await expect(page.getByRole('alert').first()).toBeVisible();
});

test('an address is verified by its letter, once', async ({ page, server, world }) => {
  const person = await world.person();
  await world.signIn(page.context(), person);
  await page.goto('/profile');
  await expect(page.getByText('Address not verified')).toBeVisible();
  await look(page, 'profile');
  await page.getByRole('button', { name: 'Send it again' }).click();
  await expect(page.getByText('The letter is on its way')).toBeVisible();
  const key = await server.key(person.email, 'verify');
  await page.goto(`/verify#${key}`);
  await expect(page.getByRole('heading', { name: 'Your address is verified' })).toBeVisible();
  await look(page, 'verify');
  await page.goto('/profile');
  await expect(page.getByText('Address verified')).toBeVisible();
  await page.goto(`/verify#${key}x`);
  await expect(page.getByRole('heading', { name: 'This link does not work' })).toBeVisible();
});

test('the profile changes names and the password, and ends other log-ins', async ({ page, browser, world }) => {
  const person = await world.person();
  await world.signIn(page.context(), person);
  const other = await browser.newContext({ baseURL: world.server.url });
  await world.signIn(other, person);
  await page.goto('/profile');
  const hostile = '<img src=x onerror=alert(1)>';
  await page.getByLabel('First name').fill(hostile);
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('Saved')).toBeVisible();
  await page.reload();
  await expect(page.getByLabel('First name')).toHaveValue(hostile);

  await page.getByLabel('Old password').fill('wrong one');
  await page.getByLabel('New password').fill('another good one');
  await page.getByRole('button', { name: 'Change the password' }).click();
  await expect(page.getByRole('alert').first()).toBeVisible();
  await page.getByLabel('Old password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Change the password' }).click();
  await expect(page.getByText('The new password holds')).toBeVisible();

  const elsewhere = await other.newPage();
  await elsewhere.goto('/profile');
  await expect(elsewhere).toHaveURL(/\/signin/);
  await other.close();
});

test('without a server the pages say so, and go on when it is back', async ({ page, server, world }) => {
  const person = await world.person();
  await world.signIn(page.context(), person);
  await page.goto('/profile');
  await expect(page.getByRole('heading', { name: 'Profile' })).toBeVisible();
  await page.route('**/v1/**', (route) => route.abort());
  await page.getByRole('link', { name: 'iobeam: your projects' }).click();
  await expect(page.getByText('The server does not answer').first()).toBeVisible();
  await look(page, 'no-server');
  await page.unroute('**/v1/**');
  await page.getByRole('button', { name: 'Try again' }).first().click();
  await expect(page.getByText('No project yet')).toBeVisible();
  expect(server.url).toBeTruthy();
});
