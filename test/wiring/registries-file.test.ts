import { readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { openRegistriesFile, readRegistriesFile } from '../../src/wiring/registries-file.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { FakeLog } from '../support/fake-log.ts'
import { fakeCa } from '../support/fake-registry.ts'

t.test('settings are read with the certificates that they name, beside the file', async (t) => {
  const folder = t.testdir({
    'ca.pem': fakeCa,
    'registries.yaml': `
allowed: [registry.example.com:5000, docker.io/velero]
registries:
  - registry: registry.example.com:5000
    caFile: ca.pem
    mirrors: [mirror.example.com/cache]
    realms: [auth.example.com]
  - {registry: plain.example.com, plainHttp: true}
`,
  })
  t.same(await readRegistriesFile(join(folder, 'registries.yaml')), {
    ok: {
      allowed: ['registry.example.com:5000', 'docker.io/velero'],
      settings: [
        {
          registry: 'registry.example.com:5000',
          mirrors: ['mirror.example.com/cache'],
          realms: ['auth.example.com'],
          ca: fakeCa,
        },
        { registry: 'plain.example.com', plainHttp: true },
      ],
    },
  })
})

const wrong: Readonly<Record<string, { text: string; want: readonly RegExp[] }>> = {
  'every unknown and mistyped field is told with its line': {
    text: 'allow: []\nregistries:\n  - registry: a.example.com\n    plainHttp: sure\n',
    want: [
      /:1?.*line 1: allow must not be given.*allowed/,
      /line 4: registries\[0\]\.plainHttp must be true or false/,
    ],
  },
  'what cannot match is told, and what cannot be read': {
    text: `allowed: ['https://a/', 'a.example.com:*', '*.example.com']\nregistries: [{registry: a.example.com, caFile: gone.pem}]`,
    want: [
      /caFile of registry "a.example.com" must be a file that can be read, got: ENOENT/,
      /allowed must list HOST.*got "https:\/\/a\/"/,
      /got "a.example.com:\*"/,
      /got "\*\.example\.com"/,
    ],
  },
  'a certificate must be one, and given once': {
    text: `registries: [{registry: a.example.com, ca: nothing, caFile: registries.yaml}]`,
    want: [
      /caFile of registry "a.example.com" is given and ca too/,
      /ca of registry .* must be PEM certificates/,
    ],
  },
  'there is one document': {
    text: 'allowed: []\n---\nallowed: []\n',
    want: [/must hold one document, got 2/],
  },
  'it is YAML': { text: 'allowed: [', want: [/line \d: the YAML cannot be read/] },
}
for (const [name, { text, want }] of Object.entries(wrong)) {
  t.test(name, async (t) => {
    const file = join(t.testdir({ 'registries.yaml': text }), 'registries.yaml')
    const read = await readRegistriesFile(file)
    const problems = 'problems' in read ? read.problems : []
    t.equal(problems.length, want.length, problems.join('\n'))
    for (const one of want)
      t.ok(
        problems.some((problem) => one.test(problem)),
        `${one} in ${problems.join('\n')}`,
      )
    for (const problem of problems) t.ok(problem.startsWith(`${file}: `))
  })
}

t.test('an empty file says nothing special, one that is not there ends the start', async (t) => {
  const folder = t.testdir({ 'registries.yaml': '' })
  t.same(await readRegistriesFile(join(folder, 'registries.yaml')), { ok: { settings: [], allowed: [] } })
  const world = { clock: new FakeClock(), log: new FakeLog() }
  await t.rejects(openRegistriesFile(join(folder, 'gone.yaml'), world), {
    exitCode: 4,
    message: /^--registries: .*gone\.yaml: must be a file that can be read/,
  })
  t.same((await openRegistriesFile(undefined, world)).current(), { settings: [], allowed: [] })
})

t.test(
  'the file is followed as a mounted ConfigMap turns; a wrong one leaves the former in force, told once',
  async (t) => {
    const folder = t.testdir({ a: 'allowed: [ghcr.io]', b: 'allowed: [quay.io]', c: 'allowed: 7' })
    const file = join(folder, 'registries.yaml')
    const turn = (to: string) => {
      rmSync(file, { force: true })
      symlinkSync(join(folder, to), file)
    }
    turn('a')
    const [clock, log] = [new FakeClock(), new FakeLog()]
    const opened = await openRegistriesFile(file, { clock, log })
    const stop = new AbortController()
    let changes = 0
    const following = opened.start(stop.signal, () => (changes += 1))
    const look = async () => {
      await clock.pass(30_000)
      // Files are read in threads, and the clock does not wait for them: a look has ended when it waits for the next.
      while (clock.waiting === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    }
    const first = opened.current()
    await look()
    t.equal(opened.current(), first, 'what did not change is the same object')
    turn('c')
    await look()
    await look()
    t.same(opened.current().allowed, ['ghcr.io'])
    t.equal(log.lines.filter((line) => line.startsWith('error ')).length, 1)
    turn('b')
    await look()
    t.same(opened.current().allowed, ['quay.io'])
    writeFileSync(join(folder, 'b'), 'allowed: [quay.io/acme]')
    await look()
    t.same(opened.current().allowed, ['quay.io/acme'])
    t.equal(changes, 2)
    stop.abort()
    await following
  },
)

t.test('the settings in docs/plugins.md are good', async (t) => {
  const docs = readFileSync(join(import.meta.dirname, '../../docs/plugins.md'), 'utf8')
  const [, text = ''] = /```yaml registries\n([\s\S]*?)```/.exec(docs) ?? []
  const folder = t.testdir({ 'registries.yaml': text, 'ca.pem': fakeCa })
  t.match(await readRegistriesFile(join(folder, 'registries.yaml')), { ok: { settings: { length: 2 } } })
})
