import t from 'tap'
import { settingsProblems } from '../../src/images/settings-check.ts'
import type { RegistrySettings } from '../../src/images/settings.ts'
import { withinTime } from '../../src/images/within.ts'
import { parsePem } from '../../src/net/pem.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { fakeCa } from '../support/fake-registry.ts'

const problems = (...all: readonly RegistrySettings[]) => settingsProblems(all, parsePem)

t.test('settings that can work have no problem', async (t) => {
  t.same(
    problems(
      { registry: 'docker.io', mirrors: ['mirror.test:5000', 'harbor.test/proxy/hub', '[fd00::7]:5000/a'] },
      { registry: 'registry.test:5000', ca: fakeCa, realms: ['auth.test', '10.0.0.7:8443'] },
      { registry: 'localhost:5000', plainHttp: true },
    ),
    [],
  )
})

const wrong: Readonly<Record<string, { given: RegistrySettings; want: RegExp }>> = {
  'a URL': {
    given: { registry: 'https://ghcr.io' },
    want: /^registry of registry "https:\/\/ghcr.io" must be HOST or HOST:PORT/,
  },
  'a path': { given: { registry: 'ghcr.io/acme' }, want: /must be HOST or HOST:PORT, got "ghcr.io\/acme"/ },
  nothing: { given: { registry: '' }, want: /got ""/ },
  'a port beyond ports': { given: { registry: 'a.test:99999' }, want: /got "a.test:99999"/ },
  'user information': { given: { registry: 'me@a.test' }, want: /got "me@a.test"/ },
  'a mirror that is a URL': {
    given: { registry: 'a.test', mirrors: ['http://b.test'] },
    want: /mirrors of registry "a.test" must be HOST/,
  },
  'a mirror with dots in its path': {
    given: { registry: 'a.test', mirrors: ['b.test/../c'] },
    want: /got "b.test\/..\/c"/,
  },
  'a realm that is a URL': {
    given: { registry: 'a.test', realms: ['https://b.test'] },
    want: /realms of registry/,
  },
  'a CA that is none': {
    given: { registry: 'a.test', ca: 'x' },
    want: /ca of registry "a.test" must be PEM certificates, but no certificate is in it/,
  },
  'a CA without TLS': { given: { registry: 'a.test', ca: fakeCa, plainHttp: true }, want: /Leave one out/ },
}
for (const [what, { given, want }] of Object.entries(wrong)) {
  t.test(`settings with ${what} are a problem, told once`, async (t) => {
    const got = problems(given)
    t.equal(got.length, 1)
    t.match(got[0], want)
  })
}
t.test('settings of one registry are given once', async (t) => {
  t.match(problems({ registry: 'a.test' }, { registry: 'A.test' }), [/"A.test" has settings twice/])
})

t.test('work gets its time, and its timer goes with it', async (t) => {
  const clock = new FakeClock()
  const signal = new AbortController().signal
  const ended = withinTime({ ms: 1000, signal }, clock, async (within) => {
    t.equal(within.endsAt, clock.now() + 1000)
    await clock.pass(999)
    t.notOk(within.signal.aborted)
    await clock.pass(1)
    t.match(within.signal.reason, { name: 'TimeoutError' })
    return 'done'
  })
  t.equal(await ended, 'done')
  await t.rejects(
    withinTime({ ms: 1000, signal }, clock, async () => {
      throw new Error('no')
    }),
  )
  t.equal(clock.waiting, 0)
})
t.test('whoever called may stop the work earlier', async (t) => {
  const controller = new AbortController()
  await withinTime({ ms: 1000, signal: controller.signal }, new FakeClock(), async (within) => {
    controller.abort()
    t.ok(within.signal.aborted)
  })
})
