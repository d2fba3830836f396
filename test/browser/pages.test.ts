/** Every page in a real browser: for everybody (axe), without JavaScript, by keyboard, on a phone, in the dark, and live. */
import t from 'tap'
import type { Page } from 'playwright-core'
import { seriousIn } from './axe.ts'
import { backUp, startScene } from './scene.ts'

t.test('the dashboard in a browser', { timeout: 280_000 }, async (t) => {
  const { open, system, url } = await startScene(t)
  const list = await open('/decisions?verdict=Refused&kind=Backup')
  const decision = (await list.locator('tbody a').first().getAttribute('href')) ?? ''
  const paths = [
    '/',
    '/decisions',
    decision,
    '/backups',
    '/backups/velero/monday',
    '/backups/velero/tuesday',
    '/backups/velero/archive-1',
    '/backups/velero/ledger',
    '/restores',
    '/actions',
    '/plugins',
    '/system',
    '/nowhere',
  ]
  const looks = {
    light: { colorScheme: 'light' },
    dark: { colorScheme: 'dark' },
    'a phone': { viewport: { width: 320, height: 640 } },
  } as const

  for (const [look, options] of Object.entries(looks))
    t.test(`axe finds nothing serious on any page: ${look}`, async (t) => {
      for (const path of paths) {
        const page = await open(path, options)
        t.same(await seriousIn(page), [], path)
        const over = await page.evaluate(
          'document.documentElement.scrollWidth - document.documentElement.clientWidth',
        )
        t.equal(over, 0, `${path} is not wider than its screen`)
        await page.close()
      }
    })

  t.test('without JavaScript every page says what it says with it, and filters work', async (t) => {
    for (const path of paths) {
      const page = await open(path, { javaScriptEnabled: false })
      t.ok((await page.locator('main').innerText()).length > 20, path)
      await page.close()
    }
    const page = await open('/decisions', { javaScriptEnabled: false })
    await page.getByLabel('Verdict').selectOption('Refused')
    await page.getByRole('button', { name: 'Show' }).click()
    t.match(page.url(), 'verdict=Refused')
    t.same(new Set(await page.locator('tbody .badge').allInnerTexts()), new Set(['✕\nRefused']))
    await page.getByRole('link', { name: /Verdict: Refused/ }).click()
    t.notMatch(page.url(), 'verdict=Refused', 'a chip takes its filter away')
  })

  t.test('by keyboard alone one gets from the first page to a decision', async (t) => {
    const page = await open('/')
    await page.keyboard.press('Tab')
    t.equal(await focused(page), 'Skip to the content')
    await page.keyboard.press('Enter')
    await press(page, 'Tab', async () => (await focused(page)).startsWith('Backup velero/'))
    await page.keyboard.press('Enter')
    await page.waitForURL(/\/decisions\/[0-9a-f-]+$/)
    t.match(await page.locator('h1').innerText(), /^CREATE Backup velero\//)
  })

  t.test('times are those of the place, and UTC is in their titles', async (t) => {
    const page = await open('/backups/velero/monday', { timezoneId: 'Asia/Tokyo' })
    const time = page.locator('dd time').first()
    const at = new Date((await time.getAttribute('datetime')) ?? '')
    t.match(await time.innerText(), at.toLocaleTimeString('en-GB', { timeZone: 'Asia/Tokyo' }))
    t.match(await time.getAttribute('title'), `${at.toISOString().slice(11, 19)} UTC`)
  })

  t.test('a list offers what is new without moving; another page shows it', async (t) => {
    const decisions = await open('/decisions?kind=Backup')
    const backups = await open('/backups')
    await decisions.getByText('Live', { exact: true }).waitFor()
    await backups.getByText('Live', { exact: true }).waitFor()
    const before = await decisions.locator('tbody tr').count()
    await backUp(system, 'fresh', { spec: { includedNamespaces: ['default'] } })
    await decisions.locator('#news:not([hidden])').waitFor()
    t.match(await decisions.locator('#news').innerText(), /\d new/)
    t.equal(await decisions.locator('tbody tr').count(), before, 'the list has not moved')
    await decisions.locator('#news').click()
    await decisions.getByRole('link', { name: 'Backup velero/fresh' }).waitFor()
    await backups.getByRole('link', { name: 'fresh', exact: true }).waitFor()
    t.pass('the Backup came by itself')
  })

  t.test('light or dark is a choice that stays, without JavaScript too', async (t) => {
    const page = await open('/system', { javaScriptEnabled: false, colorScheme: 'light' })
    const ground = () => page.locator('html').evaluate((html) => getComputedStyle(html).backgroundColor)
    const light = await ground()
    await page.getByRole('button', { name: 'dark' }).click()
    t.match(page.url(), /\/system$/, 'it leads back')
    t.not(await ground(), light)
    await page.goto(`${url}/actions`)
    t.not(await ground(), light)
    await page.getByRole('button', { name: 'system' }).click()
    t.equal(await ground(), light)
  })

  t.test('a screen reader is told what came, in one sentence', async (t) => {
    const page = await open('/decisions?kind=Backup')
    await page.getByText('Live', { exact: true }).waitFor()
    for (const name of ['told-1', 'told-2'])
      await backUp(system, name, { spec: { includedNamespaces: ['default'] } })
    await page.locator('#said:not(:empty)').waitFor({ state: 'attached' })
    t.equal(await page.locator('#said').textContent(), '2 new decisions')
  })

  t.test('System says which certificate callers of the webhook meet', async (t) => {
    const page = await open('/system')
    t.match(await page.locator('main').innerText(), /Served\s.*Good\s.*8 of 8/s)
  })

  t.test('a name that is HTML is a text', async (t) => {
    const page = await open(`/decisions?q=${encodeURIComponent('<img src=x onerror=alert(1)>')}`)
    page.on('dialog', () => t.fail('a script of a user ran'))
    t.equal(await page.locator('main img').count(), 0)
    t.match(await page.locator('.chips').innerText(), '<img src=x onerror=alert(1)>')
  })

  t.test('a page of another site sees nothing of it', async (t) => {
    const page = await open('/')
    const answer = await page.request.get(`${url}/`, { headers: { host: 'evil.example' } })
    t.equal(answer.status(), 421)
  })
})

const focused = (page: Page): Promise<string> => page.evaluate('document.activeElement?.textContent ?? ""')

async function press(page: Page, key: string, until: () => Promise<boolean>): Promise<void> {
  for (let left = 80; left > 0 && !(await until()); left -= 1) await page.keyboard.press(key)
}
