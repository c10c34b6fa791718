// Debian's Chromium without a screen, for the status page: it notes what a page must not do, which is to ask anybody else, to
// break its own policy, or to fail.

import axe from 'axe-core';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';

interface AxeResults {
  readonly violations: readonly {
    readonly id: string;
    readonly nodes: readonly { readonly html: string }[];
  }[];
}

export class TestBrowser {
  readonly #browser: Browser;

  private constructor(browser: Browser) {
    this.#browser = browser;
  }

  /** @param executablePath of Chromium, or of what starts it elsewhere */
  static async start(executablePath = '/usr/bin/chromium'): Promise<TestBrowser> {
    // As root there is no sandbox; it sees nothing but the page under test.
    const args = ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'];
    return new TestBrowser(await chromium.launch({ executablePath, args }));
  }

  async open(url: string, colorScheme: 'light' | 'dark' = 'light'): Promise<WatchedPage> {
    const viewport = { width: 1280, height: 900 };
    const context = await this.#browser.newContext({ colorScheme, viewport, reducedMotion: 'reduce' });
    const watched = new WatchedPage(context, await context.newPage(), new URL(url).origin);
    await watched.page.goto(url);
    return watched;
  }

  async stop(): Promise<void> {
    await this.#browser.close();
  }
}

export class WatchedPage {
  readonly page: Page;
  /** What it should not have done. */
  readonly faults: string[] = [];
  readonly #context: BrowserContext;

  constructor(context: BrowserContext, page: Page, origin: string) {
    this.#context = context;
    this.page = page;
    page.on('request', (request) => {
      if (new URL(request.url()).origin !== origin) this.faults.push(`asks ${request.url()}`);
    });
    page.on('pageerror', (error) => this.faults.push(`fails: ${String(error)}`));
    page.on('console', (message) => {
      // Refusals of the gateway are among them, and are looked at by the tests.
      const isFault = ['error', 'warning', 'assert'].includes(message.type());
      if (isFault && !message.text().startsWith('Failed to load resource'))
        this.faults.push(`says: ${message.text()}`);
    });
  }

  /** What stands in the way of people who do not see or do not point. */
  async inaccessible(): Promise<readonly string[]> {
    const { violations } = await this.page.evaluate<AxeResults>(`${axe.source}; axe.run()`);
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
  }

  async close(): Promise<void> {
    await this.#context.close();
  }
}
