/** Makes the pictures of the README anew: `npm run screenshots`. With TIDEWAITER_PICTURES every page, in every look, into that folder. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { startScene } from './scene.ts'

const all = process.env['TIDEWAITER_PICTURES']
const looks = {
  light: { colorScheme: 'light', viewport: { width: 1280, height: 900 } },
  dark: { colorScheme: 'dark', viewport: { width: 1280, height: 900 } },
  phone: { colorScheme: 'light', viewport: { width: 390, height: 844 }, hasTouch: true },
} as const

t.test('pictures', { timeout: 240_000 }, async (t) => {
  const { open, system } = await startScene(t)
  const folder = all ?? 'docs/images'
  mkdirSync(folder, { recursive: true })
  const refused = await open('/decisions?verdict=Refused&kind=Backup')
  const decision = await refused.locator('tbody a').first().getAttribute('href')
  const pages = {
    overview: '/',
    decisions: '/decisions?kind=Backup',
    decision: decision ?? '/decisions',
    backups: '/backups',
    backup: '/backups/velero/monday',
    refused: '/backups/velero/tuesday',
    held: '/backups/velero/archive-1',
    undone: '/backups/velero/ledger',
    restores: '/restores',
    actions: '/actions',
    plugins: '/plugins',
    system: '/system',
    missing: '/nowhere',
    none: '/decisions?user=nobody&reason=ActionFailed&q=abc',
  }
  const wanted = all === undefined ? ['overview', 'backup', 'decision'] : Object.keys(pages)
  for (const [name, path] of Object.entries(pages)) {
    if (!wanted.includes(name)) continue
    for (const [look, options] of Object.entries(looks)) {
      if (all === undefined && look !== 'light') continue
      const page = await open(path, options)
      await page.screenshot({
        path: join(folder, `${name}${all === undefined ? '' : `-${look}`}.png`),
        fullPage: all !== undefined,
      })
      const wide = await page.evaluate(
        'document.documentElement.scrollWidth - document.documentElement.clientWidth',
      )
      t.equal(wide, 0, `${name} (${look}) is not wider than its screen`)
      await page.close()
    }
  }
  t.ok(system.service.ready())
})
