/** What a person waits for, in Chromium, with the server on the same machine: a first visit, ten million readings, a hundred thousand devices. */
import type { Page } from '@playwright/test';
import { type Project, World, expect, test } from '../e2e/test';

const POINTS = Number(process.env.MEASURE_POINTS ?? 10_000_000);
const DEVICES = Number(process.env.MEASURE_DEVICES ?? 100_000);
const REPEATS = 5;

const say = (what: string, figure: string) => console.log(`${what.padEnd(76)} ${figure}`);
const ms = (time: number) => `${time.toFixed(0)} ms`;
const middle = (times: number[]) => [...times].sort((one, other) => one - other)[Math.floor(times.length / 2)] ?? NaN;

/** The middle of several times that something takes. */
async function timed(what: string, once: () => Promise<void>): Promise<void> {
  const times: number[] = [];
  for (let at = 0; at < REPEATS; at += 1) {
    const begun = performance.now();
    await once();
    times.push(performance.now() - begun);
  }
  say(what, ms(middle(times)));
}

/** Keeps what the main thread was kept busy with for longer than 50 ms, from the page's beginning. */
async function watch(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const busy: [number, number][] = [];
    Object.assign(window, { busy });
    new PerformanceObserver((list) => list.getEntries().forEach(({ startTime, duration }) => busy.push([startTime, duration]))).observe({ type: 'longtask', buffered: true });
  });
}

/** Milliseconds from the visit's beginning until what is named can be used and the main thread is free. */
async function interactive(page: Page, path: string, ready: () => Promise<void>): Promise<{ painted: number; usable: number }> {
  await page.goto(path, { waitUntil: 'commit' });
  await ready();
  return page.evaluate(() => {
    const busy = (window as unknown as { busy: [number, number][] }).busy;
    const painted = performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN;
    return { painted, usable: Math.max(performance.now(), ...busy.map(([start, length]) => start + length)) };
  });
}

test('a first visit', async ({ browser, world, server }) => {
  const { person, project } = await signedUp(world);
  for (const [what, path, ready] of [
    ['sign in', '/signin', (page: Page) => page.getByLabel('Password', { exact: true }).fill('x')],
    ['overview of a project', `/p/${project.id}`, (page: Page) => page.getByRole('heading', { level: 1 }).first().waitFor()],
    ['explore', `/p/${project.id}/explore`, (page: Page) => page.getByRole('group', { name: /^temperature/ }).waitFor()],
  ] as const) {
    const times: { painted: number; usable: number }[] = [];
    for (let at = 0; at < REPEATS; at += 1) {
      // Nothing is in a cache.
      const context = await browser.newContext({ baseURL: server.url });
      if (path !== '/signin') await world.signIn(context, person);
      const page = await context.newPage();
      await watch(page);
      times.push(await interactive(page, path, () => ready(page)));
      await context.close();
    }
    say(`${what}: first paint / can be used, nothing cached`, `${ms(middle(times.map((one) => one.painted)))} / ${ms(middle(times.map((one) => one.usable)))}`);
  }
});

async function signedUp(world: World) {
  const person = await world.person();
  const project = await world.project(person);
  await world.device(project, 'd');
  await world.rows(project, 'd', ['temperature'], Array.from({ length: 1000 }, (_, at) => [Date.now() - at * 1000, Math.sin(at / 50)]));
  return { person, project };
}

test('a new reading', async ({ page, world }) => {
  const { project } = await world.home(page.context());
  await world.device(project, 'thermometer');
  await world.rows(project, 'thermometer', ['temperature'], [[Date.now(), 0.5]]);
  await page.goto(`/p/${project.id}/devices/thermometer`);
  const shows = (text: string) => page.waitForFunction((text) => document.body.innerText.includes(text), text, { polling: 'raf' });
  await page.getByText('0.5').first().waitFor();
  const times: number[] = [];
  for (let at = 1; at <= 20; at += 1) {
    const value = 700 + at;
    await world.rows(project, 'thermometer', ['temperature'], [[Date.now(), value]]);
    const acknowledged = performance.now();
    await shows(String(value));
    times.push(performance.now() - acknowledged);
  }
  say('a reading on its device\'s open page after its acknowledgement: middle / worst of 20', `${ms(middle(times))} / ${ms(Math.max(...times))}`);
});

/** A device's readings: a second apart, up to now. */
async function fill(world: World, project: Project, now: number): Promise<number> {
  const begun = performance.now();
  for (let from = 0; from < POINTS; from += 100_000) {
    const rows = Array.from({ length: Math.min(100_000, POINTS - from) }, (_, at) => [now - (POINTS - from - at) * 1000, Math.round((20 + 8 * Math.sin((from + at) / 5000) + Math.random()) * 100) / 100]);
    await world.rows(project, 'thermometer', ['temperature'], rows);
  }
  return performance.now() - begun;
}

test('ten million readings', async ({ page, world }) => {
  const { project } = await world.home(page.context());
  const now = Date.now();
  await world.device(project, 'thermometer');
  say(`${POINTS} readings, made in JavaScript and sent as JSON`, ms(await fill(world, project, now)));
  const iso = (time: number) => encodeURIComponent(new Date(time).toISOString());
  const all = `/p/${project.id}/explore?from=${iso(now - POINTS * 1000)}&to=${iso(now)}`;
  const chart = page.getByRole('group', { name: /^temperature/ });
  const drawn = async () => {
    await chart.waitFor();
    await expect.poll(() => chart.locator('canvas').evaluate((canvas: HTMLCanvasElement) => {
      const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
      let blue = 0;
      for (let at = 0; at < data.length; at += 4) blue += Number(data[at] === 0x27 && data[at + 1] === 0x76 && data[at + 2] === 0xc3);
      return blue;
    }), { intervals: [20] }).toBeGreaterThan(200);
  };
  await timed('all of them in Explore, from the address to the drawn chart', async () => {
    await page.goto('about:blank');
    await page.goto(all, { waitUntil: 'commit' });
    await drawn();
  });
  const box = (await chart.boundingBox())!;
  const answer = () => page.waitForResponse((reply) => reply.url().includes('/v1/query') && reply.ok());
  const zooms: number[] = [];
  for (let at = 0; at < 6; at += 1) {
    await page.mouse.move(box.x + box.width * 0.3, box.y + 60);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.7, box.y + 80, { steps: 4 });
    const asked = answer();
    const begun = performance.now();
    await page.mouse.up();
    await asked;
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    zooms.push(performance.now() - begun);
    await drawn();
  }
  say('closer by the mouse, six times: from letting go to the new chart', zooms.map(ms).join(', '));
  // The pointer over the chart moves the line that reads values: each move draws.
  await page.goto(all);
  await drawn();
  const frames = page.evaluate(() => new Promise<number>((done) => {
    let count = 0;
    const begun = performance.now();
    const next = () => {
      count += 1;
      const gone = performance.now() - begun;
      if (gone < 2000) requestAnimationFrame(next);
      else done((count * 1000) / gone);
    };
    requestAnimationFrame(next);
  }));
  for (let at = 0; at < 120; at += 1) await page.mouse.move(box.x + 40 + ((at * 7) % (box.width - 80)), box.y + 60);
  say('frames a second while the pointer reads values', (await frames).toFixed(0));
});

test('a hundred thousand devices', async ({ page, server, world }) => {
  const { project } = await world.home(page.context());
  const begun = performance.now();
  for (let from = 0; from < DEVICES; from += 10_000) {
    const devices = Array.from({ length: 10_000 }, (_, at) => ({ device_id: `sensor-${from + at}`, device_name: `Sensor ${from + at}`, device_type: `type ${(from + at) % 9}` }));
    await server.ask('POST', '/v1/devices', project.token, { project_id: project.id, devices });
  }
  say(`${DEVICES} devices registered`, ms(performance.now() - begun));
  const list = `/p/${project.id}/devices`;
  const open = (what: string, path: string, shown: RegExp) =>
    timed(what, async () => {
      await page.goto('about:blank');
      await page.goto(path, { waitUntil: 'commit' });
      await page.getByText(shown).waitFor();
      await page.locator('tbody tr').first().waitFor();
    });
  await open('first page of the list', list, /1–50 of/);
  await open('a search by its address', `${list}?search=sensor-9999`, /1–11 of 11/);
  await open('the last page, by name downwards', `${list}?sort=-name&offset=${DEVICES - 50}`, /–100,000 of/);
});
