/** The page as people use it: the real demo in a process, the built page in chromium. */
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildPage, CHROMIUM, hasChromium, startBrowser } from '../fixtures/browser.ts';
import { type Demo, scratchFolder, startDemo } from '../fixtures/demo-process.ts';

const IMG = '<img src=x onerror="document.title=\'taken\'">';
const OVERRIDE = '\u202eevil\u202c-txt';
const scratch = scratchFolder();

describe.skipIf(!hasChromium)(`the page in a browser (needs ${CHROMIUM})`, () => {
  let demo: Demo;
  let browser: Browser;
  let page: Page;
  /** What went wrong in the page, and who was asked for what. */
  const complaints: string[] = [];
  const hosts = new Set<string>();

  beforeAll(async () => {
    browser = await startBrowser();
    await buildPage();
    demo = await startDemo(scratch.fresh('page'));
    page = await openPage(1280, '#board=arena');
    await shown(page.getByTestId('connection').filter({ hasText: 'live' }));
  });

  afterAll(async () => {
    await browser?.close();
    await demo?.signal('SIGTERM');
    scratch.remove();
  });

  async function openPage(width: number, fragment: string): Promise<Page> {
    const opened = await browser.newPage({ viewport: { width, height: 900 } });
    opened.setDefaultTimeout(8000);
    opened.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    opened.on('pageerror', (error) => complaints.push(error.message));
    opened.on('request', (request) => hosts.add(new URL(request.url()).origin));
    await opened.goto(`${demo.address}/${fragment}`);
    return opened;
  }

  async function score(board: string, player: string, points: number): Promise<void> {
    const answer = await fetch(`${demo.address}/api/boards/${board}/scores`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ player, points }),
    });
    expect(answer.status).toBe(200);
  }

  function leader(player: string): Locator {
    return page.getByRole('list', { name: 'Leaders' }).locator(`[data-player=${JSON.stringify(player)}]`);
  }

  test('shows a score that was submitted here, with its rank and what it was acknowledged by', async () => {
    await page.getByLabel('Player', { exact: true }).first().fill('ada');
    await page.getByLabel('Points').fill('120');
    await page.getByLabel('Answer once on disk').check();
    await page.getByRole('button', { name: 'Submit' }).click();
    await shown(page.getByTestId('submit-answer').filter({ hasText: 'ada has 120 points and is number 1. On disk' }));
    await shown(leader('ada').filter({ hasText: '120' }));
  });

  test('shows the score of another client as it arrives, and that it has passed someone', async () => {
    await score('arena', 'bob', 100);
    await shown(leader('bob').filter({ hasText: '100' }));
    await score('arena', 'bob', 50);
    await shown(leader('bob').filter({ hasText: '150' }).locator('.move-up'));
    await shown(leader('ada').locator('.move-down'));
  });

  test('submits by keyboard alone', async () => {
    await page.getByLabel('Player', { exact: true }).first().focus();
    await page.keyboard.press('ControlOrMeta+a');
    await page.keyboard.type('kim');
    await page.keyboard.press('Tab');
    await page.keyboard.press('ControlOrMeta+a');
    await page.keyboard.type('7');
    await page.keyboard.press('Enter');
    await shown(leader('kim').filter({ hasText: '7' }));
  });

  test('finds a player with its neighbourhood', async () => {
    const search = page.getByRole('search');
    await search.getByLabel('Player').fill('ada');
    await search.getByRole('button', { name: 'Find' }).click();
    const around = page.getByRole('list', { name: 'Neighbourhood' });
    await shown(around.locator('[data-player="ada"][aria-current="true"]'));
    expect(await around.locator('[data-player]').evaluateAll((rows) => rows.map((row) => row.textContent))).toEqual([
      '1bob150',
      '2ada120',
      '3kim7',
    ]);
  });

  test('shows hostile names as text', async () => {
    await score('arena', IMG, 900);
    await score('arena', OVERRIDE, 800);
    await shown(leader('bob'));
    await shown(page.getByRole('list', { name: 'Leaders' }).getByText(IMG, { exact: true }));
    await shown(leader(OVERRIDE).locator('bdi', { hasText: OVERRIDE }));
    const isolated = `[...document.querySelectorAll('bdi')].find(({ textContent }) => textContent.includes('evil'))`;
    expect(await page.evaluate(`getComputedStyle(${isolated}).unicodeBidi`)).toBe('isolate');
    expect(await page.locator('img').count()).toBe(0);
    expect(await page.title()).toBe('SpaceGrid leaderboard');
  });

  test('switches to another board and to a new one', async () => {
    await score('harbour', 'sue', 3);
    const boards = page.getByRole('combobox', { name: 'Board' });
    await boards.focus();
    await boards.locator('option[value="harbour"]').waitFor({ state: 'attached' });
    await boards.selectOption('harbour');
    await shown(leader('sue'));
    expect(await leader('ada').count()).toBe(0);
    await page.getByRole('button', { name: 'New board' }).click();
    await page.locator('input[name="new-board"]:focus').waitFor();
    await page.keyboard.type('fresh ground');
    await page.keyboard.press('Enter');
    await shown(page.getByRole('heading', { name: 'Top of fresh ground' }));
    await shown(page.getByText('Nobody has points here yet'));
  });

  test('plays, kills a thread, and shows how long recovery took and that nothing was lost', async () => {
    await page.getByLabel('Rate').fill('1');
    await page.getByRole('button', { name: 'Start' }).click();
    await shown(page.getByTestId('load-state').filter({ hasText: 'playing' }));
    await shown(leader('player 1'));
    const threads = page.getByRole('article', { name: /^Thread \d+$/ });
    await shown(threads.filter({ has: page.locator('.level-2, .level-3') }));
    await threads
      .filter({ has: page.locator('.level-2, .level-3') })
      .getByRole('button', { name: /^Kill/ })
      .click();
    const outcome = page.getByTestId('kill-outcome');
    await shown(outcome.filter({ hasText: /Thread \d+ recovered in [\d.]+ m?s/ }).filter({ hasText: 'nothing lost' }));
    const figure = (name: string): Promise<number> =>
      outcome
        .locator('dl > div', { hasText: name })
        .locator('dd')
        .innerText()
        .then((text) => Number(text.replaceAll(',', '')));
    const acknowledged = await figure('Points acknowledged');
    expect(acknowledged).toBeGreaterThan(0);
    expect(await figure('Points on the board')).toBeGreaterThanOrEqual(acknowledged);
    expect(await figure('Lost')).toBe(0);
    const second = await openPage(1280, '#board=arena');
    await shown(second.getByTestId('load-state').filter({ hasText: 'playing 50 submits/s' }));
    expect(await second.getByLabel('Rate').inputValue()).toBe('1');
    await second.close();
    await page.getByRole('button', { name: 'Stop' }).click();
    await shown(page.getByTestId('load-state').filter({ hasText: 'at rest' }));
  });

  test('is served with a policy that allows nothing from outside', async () => {
    const { headers } = await fetch(demo.address);
    expect(headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self'");
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    const api = await fetch(`${demo.address}/api/boards`);
    expect(api.headers.get('x-content-type-options')).toBe('nosniff');
  });

  test('fits a phone without scrolling sideways', async () => {
    const phone = await openPage(390, '#board=arena');
    await shown(phone.getByText(IMG, { exact: true }));
    expect(await phone.evaluate('document.documentElement.scrollWidth')).toBe(390);
    await phone.close();
  });

  test('asked no other host and complained of nothing', () => {
    expect(complaints).toEqual([]);
    expect([...hosts]).toEqual([demo.address]);
  });

  test('shows what the API refuses, and comes back by itself after the connection was lost', {
    timeout: 40_000,
  }, async () => {
    const search = page.getByRole('search');
    await search.getByLabel('Player').fill('nobody');
    await search.getByRole('button', { name: 'Find' }).click();
    await shown(page.getByText('This player has no points on this board.'));
    const port = new URL(demo.address).port;
    await demo.signal('SIGKILL');
    await shown(page.getByTestId('connection').filter({ hasText: 'connection lost' }));
    await shown(page.getByRole('article', { name: 'Thread 0' }).getByText('not seen'));
    demo = await startDemo(scratch.fresh('page'), { PORT: port });
    await shown(page.getByTestId('connection').filter({ hasText: 'live' }));
  });
});

/** Waits until the element is there to be seen. */
function shown(locator: Locator): Promise<void> {
  return locator.first().waitFor({ state: 'visible' });
}
