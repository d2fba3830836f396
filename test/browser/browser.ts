/** A real browser for tests: the one that Debian ships, or the one that CHROMIUM names. Whatever its console complains of is a fault. */
import { existsSync } from 'node:fs'
import type { Test } from 'tap'
import { chromium, type BrowserContextOptions, type Page } from 'playwright-core'

/** Opens a page of its own session. */
export type Open = (url: string, options?: BrowserContextOptions) => Promise<Page>

/** Starts it; it ends with the test. */
export async function startBrowser(t: Test): Promise<Open> {
  const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium'
  if (!existsSync(executablePath))
    throw new Error(
      `a browser must be at ${executablePath}, got nothing: \`apt-get install chromium\`, or name one with CHROMIUM=/path/to/chromium`,
    )
  // Chromium refuses to run as root with its sandbox.
  const asRoot = process.getuid?.() === 0 ? ['--no-sandbox'] : []
  const browser = await chromium.launch({
    executablePath,
    timeout: 60_000,
    args: [...asRoot, '--disable-gpu', '--disable-dev-shm-usage'],
  })
  t.teardown(() => browser.close())
  return async (url, options) => {
    const context = await browser.newContext({ timezoneId: 'Europe/Berlin', locale: 'en-GB', ...options })
    t.teardown(() => context.close())
    const page = await context.newPage()
    // Anything that the policy of the page blocks, and any error of the script, is a fault.
    page.on('console', (message) => {
      // A page that says that something is not there says it with its status too.
      if (message.type() === 'error' && !message.text().includes('status of 404'))
        t.fail(`the console of ${url} said: ${message.text()}`)
    })
    page.on('pageerror', (error) => t.fail(`the script of ${url} failed: ${error.message}`))
    await page.goto(url)
    return page
  }
}
