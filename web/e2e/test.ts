/** What tests of pages have: a server, people with projects and devices, eyes for what must never happen. */
import AxeBuilder from '@axe-core/playwright';
import { type BrowserContext, type Page, test as base, expect } from '@playwright/test';
import { Server } from './server';

export { expect };

export const PASSWORD = 'correct horse battery';
let count = 0;
const unique = () => `${process.pid.toString(36)}${Date.now().toString(36)}${(count++).toString(36)}`;

/** Someone with an account and, if asked for, a project. */
export interface Person {
  email: string;
  username: string;
  user_id: number;
  /** Of the user, for the REST API. */
  token: string;
}

export interface Project {
  id: number;
  name: string;
  /** May read, write and administer. */
  token: string;
}

export class World {
  constructor(readonly server: Server) {}

  /** An account, made over the REST API. */
  async person(username = `user-${unique()}`): Promise<Person> {
    const email = `${username}@example.com`;
    const { user_id } = await this.server.ask<{ user_id: number }>('POST', '/v1/users', '', { email, username, password: PASSWORD });
    const basic = `Basic ${Buffer.from(`${email}:${PASSWORD}`).toString('base64')}`;
    const { token } = await this.server.ask<{ token: string }>('GET', '/v1/tokens/user', basic);
    return { email, username, user_id, token };
  }

  async project(person: Person, name = `project-${unique()}`): Promise<Project> {
    const { project_id: id } = await this.server.ask<{ project_id: number }>('POST', '/v1/projects', person.token, { project_name: name });
    const { token } = await this.server.ask<{ token: string }>('GET', `/v1/tokens/project?project_id=${id}`, person.token);
    return { id, name, token };
  }

  async device(project: Project, device_id: string, more: { device_name?: string; device_type?: string } = {}): Promise<void> {
    await this.server.ask('POST', '/v1/devices', project.token, { project_id: project.id, device_id, ...more });
  }

  /** Rows of a device: each begins with its time in milliseconds. */
  async rows(project: Project, device_id: string, fields: string[], data: unknown[][]): Promise<void> {
    const sources = { fields: ['time', ...fields], data };
    await this.server.ask('POST', '/v1/imports?fmt=table', project.token, { project_id: project.id, device_id, sources });
  }

  /** Signs the browser in, without the page. */
  async signIn(context: BrowserContext, person: Person): Promise<void> {
    const reply = await context.request.post(`${this.server.url}/v1/session`, { data: { name: person.email, password: PASSWORD } });
    expect(reply.status(), await reply.text()).toBe(200);
  }

  /** Someone signed in with a project: where most tests begin. */
  async home(context: BrowserContext): Promise<{ person: Person; project: Project }> {
    const person = await this.person();
    const project = await this.project(person);
    await this.signIn(context, person);
    return { person, project };
  }
}

/** Rules that are broken by what is on the page. */
export async function axe(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']).analyze();
  const told = violations.map(({ id, help, nodes }) => `${id}: ${help}\n${nodes.slice(0, 5).map((node) => `    ${node.target.join(' ')}: ${node.failureSummary?.replaceAll('\n', ' ')}`).join('\n')}`);
  expect(told.join('\n'), page.url()).toBe('');
}

/** What makes the page wider than the window. */
function out(): string[] {
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth <= clientWidth) return [];
  const wide = [...document.body.querySelectorAll('*')].filter((element) => element.getBoundingClientRect().right > clientWidth + 0.5);
  return [`${scrollWidth - clientWidth} px`, ...wide.slice(-8).map((element) => `${element.tagName}.${element.getAttribute('class') ?? ''} ${element.textContent?.trim().slice(0, 30)}`)];
}

/** Tables whose rows are cards on a telephone, and which must be scrolled sideways all the same. */
const cut = (): string[] =>
  [...document.querySelectorAll('table.cards')].flatMap(({ parentElement: box }) => (box && box.scrollWidth > box.clientWidth ? [`${box.getAttribute('aria-label')}: ${box.scrollWidth - box.clientWidth} px`] : []));

/** Touch targets that are lower than a finger needs. Links within sentences are as high as their line. */
const small = (): string[] =>
  [...document.querySelectorAll('button, select, summary, textarea, input:not([type=checkbox], [type=radio], .unseen), [role=tab], [role=menuitem], nav a, a.button')].flatMap((element) => {
    const { width, height } = element.getBoundingClientRect();
    return width > 1 && height > 1 && height < 40 ? [`${element.tagName}.${element.getAttribute('class') ?? ''} ${element.getAttribute('aria-label') ?? element.textContent?.trim().slice(0, 30)}: ${height} px`] : [];
  });

const WIDTHS = [360, 1280, 2560] as const;
/** `E2E_PICTURES=all`: each page on both grounds in all widths. Otherwise those that show the most. */
const all = process.env.E2E_PICTURES === 'all';
const shown = (ground: string, width: number) => all || width === 1280 || (ground === 'light' && width === 360);

/** Pictures of a page, light and dark, narrow and wide; nothing may stick out, and axe finds nothing on either ground. */
export async function look(page: Page, name: string): Promise<void> {
  const before = page.viewportSize();
  for (const ground of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: ground, reducedMotion: 'reduce' });
    await expect(page.locator('html')).toHaveAttribute('data-theme', ground);
    for (const width of WIDTHS) {
      if (ground === 'dark' && !shown(ground, width)) continue;
      await page.setViewportSize({ width, height: width === 2560 ? 1440 : 800 });
      expect(await page.evaluate(out), `${name} sticks out at ${width} px`).toEqual([]);
      if (width === 360) {
        expect(await page.evaluate(cut), `a table of ${name}`).toEqual([]);
        expect(await page.evaluate(small), `too small for fingers on ${name}`).toEqual([]);
      }
      if (shown(ground, width)) await page.screenshot({ path: `screenshots/${name}-${ground}-${width}.png`, fullPage: width === 360, animations: 'disabled' });
      if (width === 1280) await axe(page);
    }
  }
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
  if (before) await page.setViewportSize(before);
}

export const test = base.extend<{ world: World; watched: void }, { server: Server }>({
  server: [
    async ({}, use) => {
      const server = new Server();
      try {
        await server.start();
        // A server's first account is its operator's; people of tests are nobody in particular.
        await new World(server).person('operator');
        await use(server);
      } finally {
        await server.remove();
      }
    },
    { scope: 'worker', timeout: 120_000 },
  ],
  world: async ({ server }, use) => use(new World(server)),
  baseURL: async ({ server }, use) => use(server.url),
  // No test passes in which a page threw, broke the policy, or asked another machine for something.
  watched: [
    async ({ page, server }, use) => {
      const wrong: string[] = [];
      page.on('pageerror', (error) => wrong.push(`thrown: ${error.stack ?? error.message}`));
      page.on('console', (message) => {
        if (/Content Security Policy|Refused to/i.test(message.text())) wrong.push(message.text());
      });
      page.on('request', (request) => {
        if (!request.url().startsWith(server.url) && !/^(data|blob|about):/.test(request.url())) wrong.push(`asked ${request.url()}`);
      });
      await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
      await use();
      expect(wrong).toEqual([]);
    },
    { auto: true },
  ],
});
