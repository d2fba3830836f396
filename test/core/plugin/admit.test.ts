/** What a write of a Velero Deployment is answered: each standing of a plugin, each enforcement, and what the Deployment carried before. */
import t from 'tap'
import type { CheckResult } from '../../../src/core/plugin-check/result.ts'
import { admit, type Admitted } from '../../../src/core/plugin/admit.ts'
import { auditLine, carriedWarnings, pluginRefusal } from '../../../src/core/plugin/admit-words.ts'
import { pinned, type DeclaredPlugin } from '../../../src/core/plugin/declared.ts'
import { readPodTemplate } from '../../../src/core/plugin/deployment.ts'
import type { PluginFindings, Standing } from '../../../src/core/plugin/findings.ts'
import { pluginPatch, pluginsAnnotation, pullSecretsAnnotation } from '../../../src/core/plugin/patch.ts'
import { jsonPatch } from '../../../src/sandbox/apiserver/patch/json-patch.ts'
import type { Json } from '../../../src/sandbox/apiserver/json.ts'
import { hash } from '../../../src/wiring/crypto.ts'
import { aFinding, digestOf, findingsOf } from '../../support/plugin-findings.ts'
import { aPlugin, charted, installed, withPodSpec, type Tree } from '../../support/velero-deployments.ts'

const place = 'registry.example.com/acme/plugin'
const acme = aPlugin(`${place}:1.0`, { name: 'acme', imagePullSecret: 'acme-registry' })
const [one, other] = [digestOf('1'), digestOf('2')]

const templateOf = (deployment: Tree) => {
  const template = readPodTemplate(deployment)
  if (template === undefined) throw new Error('not a Deployment of Velero')
  return template
}
type Write = {
  readonly object?: Tree
  readonly before?: Tree
  readonly findings?: readonly PluginFindings[]
  readonly problems?: readonly string[]
  readonly account?: readonly string[] | undefined
}
const written = (write: Write): Admitted => {
  const { object = installed, before, findings = [], problems = [] } = write
  return admit(
    {
      template: templateOf(object),
      before: before === undefined ? undefined : templateOf(before),
      findings,
      problems,
      accountSecrets: 'account' in write ? write.account : [],
    },
    hash,
  )
}
const applied = (object: Tree, admitted: Admitted): Tree =>
  admitted.do === 'refuse'
    ? { refused: admitted.blocked.map(({ plugin }) => plugin.name) }
    : (jsonPatch(object as Json, admitted.operations as unknown as Json) as Tree)
const podOf = (deployment: Tree): Tree => deployment['spec'].template.spec
/** The images of the initContainers, AWS's left out; or who was refused. */
const carried = (deployment: Tree): readonly string[] => {
  const refused = deployment['refused']
  if (refused !== undefined) return refused
  const initContainers = podOf(deployment)['initContainers'] as readonly Tree[]
  return initContainers.slice(1).map(({ image }: Tree) => String(image))
}
const told = (admitted: Admitted): readonly string[] =>
  admitted.do === 'refuse' ? [] : [...admitted.choices.flatMap(carriedWarnings), ...admitted.warnings]

/** The Deployment with plugins that we had put in. */
const carrying = (...plugins: readonly DeclaredPlugin[]): Tree =>
  jsonPatch(
    installed as Json,
    pluginPatch(templateOf(installed), plugins, hash).operations as unknown as Json,
  ) as Tree
const upgraded = (deployment: Tree): Tree =>
  withPodSpec(deployment, (pod) => ({
    ...pod,
    containers: [{ ...pod['containers'][0], image: 'velero/velero:v1.19.0' }],
  }))
const foreign = (name: string, image: string): Tree =>
  withPodSpec(installed, (pod) => ({
    ...pod,
    initContainers: [...pod['initContainers'], { name, image, volumeMounts: [] }],
  }))

const earlier = `${place}:0.9@${other}`
const befores: Readonly<Record<string, { readonly before?: Tree; readonly object: Tree }>> = {
  'a new Deployment': { object: installed },
  'one that does not carry it': { before: installed, object: upgraded(installed) },
  'one that carries an earlier version, pinned': pair(carrying(aPlugin(earlier, acme1()))),
  'one that carries an earlier version by its tag': pair(carrying(aPlugin(`${place}:0.9`, acme1()))),
  'one that carries this very image, pinned': pair(carrying(pinned(acme, one))),
  "one with another's initContainer of the same name and repository": pair(foreign('acme-plugin', earlier)),
  "one with another's initContainer of the same repository": pair(foreign('hand-made', earlier)),
}
function acme1() {
  return { name: 'acme', imagePullSecret: 'acme-registry' }
}
function pair(before: Tree) {
  return { before, object: upgraded(before) }
}

const [good, byTag] = [`${place}:1.0@${one}`, `${place}:1.0`]
type Wanted = Readonly<Record<string, readonly string[]>>
/** What is carried then; `acme` stands for a refusal that names it. */
const table: Readonly<Record<Standing, Readonly<Record<'Enforce' | 'Warn', Wanted>>>> = {
  Ready: {
    Enforce: {
      'a new Deployment': [good],
      'one that does not carry it': [good],
      'one that carries an earlier version, pinned': [good],
      'one that carries an earlier version by its tag': [good],
      'one that carries this very image, pinned': [good],
      "one with another's initContainer of the same name and repository": [good],
      "one with another's initContainer of the same repository": [earlier],
    },
    Warn: {
      'a new Deployment': [good],
      'one that does not carry it': [good],
      'one that carries an earlier version, pinned': [good],
      'one that carries an earlier version by its tag': [good],
      'one that carries this very image, pinned': [good],
      "one with another's initContainer of the same name and repository": [good],
      "one with another's initContainer of the same repository": [earlier],
    },
  },
  NotReady: {
    Enforce: {
      'a new Deployment': ['acme'],
      'one that does not carry it': ['acme'],
      'one that carries an earlier version, pinned': [earlier],
      'one that carries an earlier version by its tag': ['acme'],
      'one that carries this very image, pinned': [good],
      "one with another's initContainer of the same name and repository": ['acme'],
      "one with another's initContainer of the same repository": [earlier],
    },
    Warn: {
      'a new Deployment': [good],
      'one that does not carry it': [good],
      'one that carries an earlier version, pinned': [good],
      'one that carries an earlier version by its tag': [good],
      'one that carries this very image, pinned': [good],
      "one with another's initContainer of the same name and repository": [good],
      "one with another's initContainer of the same repository": [earlier],
    },
  },
  Unknown: {
    Enforce: {
      'a new Deployment': ['acme'],
      'one that does not carry it': ['acme'],
      'one that carries an earlier version, pinned': [earlier],
      'one that carries an earlier version by its tag': ['acme'],
      'one that carries this very image, pinned': [good],
      "one with another's initContainer of the same name and repository": ['acme'],
      "one with another's initContainer of the same repository": [earlier],
    },
    Warn: {
      'a new Deployment': [byTag],
      'one that does not carry it': [byTag],
      'one that carries an earlier version, pinned': [byTag],
      'one that carries an earlier version by its tag': [byTag],
      'one that carries this very image, pinned': [good],
      "one with another's initContainer of the same name and repository": [byTag],
      "one with another's initContainer of the same repository": [earlier],
    },
  },
}

const standings = ['Ready', 'NotReady', 'Unknown'] as const
for (const standing of standings)
  for (const enforcement of ['Enforce', 'Warn'] as const)
    for (const [name, { before, object }] of Object.entries(befores)) {
      const findings = [aFinding({ ...acme, enforcement }, standing, one)]
      const write = { object, findings, ...(before === undefined ? {} : { before }) }
      t.test(`${standing}, ${enforcement}: ${name}`, async (t) => {
        const admitted = written(write)
        t.same(carried(applied(object, admitted)), table[standing][enforcement][name])
      })
      const first = written(write)
      if (first.do === 'refuse') continue
      t.test(`${standing}, ${enforcement}: ${name}: asked again, nothing more`, async (t) => {
        const again = written({ ...write, object: applied(object, first) })
        t.same(again.do === 'carry' && again.operations, [])
      })
    }

t.test('a plugin that is Ready is carried without a word', async (t) => {
  t.same(told(written({ findings: [aFinding(acme, 'Ready', one)] })), [])
})

t.test('one that is not, and is let in, is told with its checks', async (t) => {
  const [warning = '', ...more] = told(
    written({ findings: [aFinding({ ...acme, enforcement: 'Warn' }, 'NotReady', one)] }),
  )
  t.match(
    warning,
    /^tidewaiter: plugin acme \(VeleroPlugin velero\/acme\) is carried \(enforcement: Warn\) although ShapeValid is False \(NoPlugin\): /,
  )
  t.same(more, [])
})

t.test('one that stays as it was is told with its image', async (t) => {
  const before = carrying(aPlugin(earlier, acme1()))
  const [warning = ''] = told(
    written({ before, object: upgraded(before), findings: [aFinding(acme, 'Unknown')] }),
  )
  t.ok(
    warning.startsWith(
      `tidewaiter: plugin acme (VeleroPlugin velero/acme) stays as it was, ${earlier}, because ManifestReachable is Unknown (Timeout)`,
    ),
    warning,
  )
})

t.test('what stays as it was keeps its pull policy and pull secret, whatever is declared now', async (t) => {
  const before = carrying({ ...aPlugin(earlier, acme1()), imagePullPolicy: 'Always' })
  const object = upgraded(before)
  const changed = { ...acme, imagePullSecret: 'wrong' }
  const after = applied(object, written({ before, object, findings: [aFinding(changed, 'NotReady', one)] }))
  t.same(podOf(after)['imagePullSecrets'], [{ name: 'acme-registry' }])
  t.equal(podOf(after)['initContainers'][1].imagePullPolicy, 'Always')
  t.equal(after['spec'].template.metadata.annotations[pullSecretsAnnotation], 'acme-registry')
  const mended = applied(
    after,
    written({ before, object: after, findings: [aFinding(changed, 'Ready', one)] }),
  )
  t.same(podOf(mended)['imagePullSecrets'], [{ name: 'wrong' }])
})

t.test('a pin that somebody else wrote is none of ours', async (t) => {
  const before = foreign('acme-plugin', good)
  const admitted = written({ before, object: upgraded(before), findings: [aFinding(acme, 'Unknown')] })
  t.match(admitted, { do: 'refuse', blocked: [{ plugin: { name: 'acme' } }] })
})

t.test("the image of another's initContainer that we pinned stays as it was, like one of ours", async (t) => {
  const before = applied(
    foreign('acme-plugin', byTag),
    written({ object: foreign('acme-plugin', byTag), findings: [aFinding(acme, 'Ready', one)] }),
  )
  const object = upgraded(before)
  const admitted = written({ before, object, findings: [aFinding(acme, 'NotReady', one)] })
  t.same(carried(applied(object, admitted)), [good])
  t.match(told(admitted), [/stays as it was/])
})

// --- tags that move ---

t.test('what is carried becomes the digest that was checked, and that is told once', async (t) => {
  const before = carrying(pinned(acme, one))
  const object = upgraded(before)
  for (const [standing, enforcement] of [
    ['Ready', 'Enforce'],
    ['NotReady', 'Warn'],
  ] as const) {
    const write = { before, object, findings: [aFinding({ ...acme, enforcement }, standing, other)] }
    const admitted = written(write)
    const after = applied(object, admitted)
    t.same(carried(after), [`${place}:1.0@${other}`])
    t.equal(
      told(admitted)[0],
      `tidewaiter: plugin acme (VeleroPlugin velero/acme): its image was pinned to ${one}, which is not the one that was checked: it becomes ${place}:1.0@${other}`,
    )
    const again = written({ ...write, object: after })
    t.same(again.do === 'carry' && again.operations, [])
    const next = written({ before: after, object: upgraded(after), findings: write.findings })
    t.notMatch(told(next).join(), /not the one that was checked/)
  }
})

t.test('where the checked digest may not be carried, the one that is there stays as it was', async (t) => {
  const before = carrying(pinned(acme, one))
  const object = upgraded(before)
  const admitted = written({ before, object, findings: [aFinding(acme, 'NotReady', other)] })
  t.same(carried(applied(object, admitted)), [good])
  t.match(told(admitted), [/stays as it was, .* because ShapeValid is False/])
})

t.test('a tag that was found moved is told where the pin is the one of the findings too', async (t) => {
  const moved: CheckResult = { check: 'TagUnmoved', ok: false, reason: 'TagMoved', message: 'moved' }
  const found = aFinding(acme, 'Ready', one)
  const admitted = written({ findings: [{ ...found, results: [...found.results, moved] }] })
  t.same(carried(applied(installed, admitted)), [good])
  t.match(told(admitted), [/its tag was moved/])
})

t.test('who names the new digest gets it', async (t) => {
  const before = carrying(pinned(acme, one))
  const object = upgraded(before)
  const named = aPlugin(`${place}:1.0@${other}`, acme1())
  const admitted = written({ before, object, findings: [aFinding(named, 'Ready', other)] })
  t.same(carried(applied(object, admitted)), [`${place}:1.0@${other}`])
  t.same(told(admitted), [])
})

t.test('another tag gets the digest of that tag', async (t) => {
  const before = carrying(pinned(acme, one))
  const object = upgraded(before)
  const next = aPlugin(`${place}:2.0`, acme1())
  t.same(carried(applied(object, written({ before, object, findings: [aFinding(next, 'Ready', other)] }))), [
    `${place}:2.0@${other}`,
  ])
})

// --- several, and what is wrong with declarations ---

const thing = aPlugin('ghcr.io/other/thing:2', { name: 'thing' })

t.test('one that may not be carried keeps the whole write out, and only it is named', async (t) => {
  const findings = [aFinding(thing, 'Ready', other), aFinding(acme, 'NotReady', one)]
  t.match(written({ findings }), { do: 'refuse', blocked: [{ plugin: { name: 'acme' } }] })
  t.same(carried(applied(installed, written({ findings }))), ['acme'])
})

t.test(
  'a problem of a declaration refuses, so that its plugin is not taken for declared no more',
  async (t) => {
    const before = carrying(pinned(acme, one))
    const admitted = written({ before, object: upgraded(before), problems: ['VeleroPlugin velero/acme: no'] })
    t.same(admitted, { do: 'refuse', blocked: [] })
  },
)

t.test('what is declared no more goes, and only that', async (t) => {
  const before = carrying(pinned(acme, one), pinned(thing, other))
  const object = upgraded(before)
  const after = applied(object, written({ before, object, findings: [aFinding(thing, 'Ready', other)] }))
  t.same(
    podOf(after)['initContainers'].map(({ name }: Tree) => name),
    ['velero-velero-plugin-for-aws', 'other-thing'],
  )
  t.equal(after['spec'].template.metadata.annotations[pluginsAnnotation], 'other-thing')
  t.equal(podOf(after)['imagePullSecrets'].length, 0)
})

t.test(
  'what is put in again comes in the order it had, whatever the order of declaration is now',
  async (t) => {
    const before = carrying(pinned(thing, other), pinned(acme, one))
    const findings = [aFinding(acme, 'Ready', one), aFinding(thing, 'Ready', other)]
    const after = applied(installed, written({ before, object: installed, findings }))
    t.same(podOf(after)['initContainers'], podOf(before)['initContainers'])
  },
)

t.test('with nothing declared nothing happens', async (t) => {
  for (const object of [installed, charted]) t.match(written({ object }), { do: 'carry', warnings: [] })
  t.same(applied(charted, written({ object: charted })), charted)
  t.same(applied(installed, written({})), installed)
})

// --- words ---

t.test('a refusal names every plugin, each failed check, and the ways out', async (t) => {
  const listed = { ...thing, declaredIn: 'Config app' }
  const text = pluginRefusal(
    { namespace: 'velero', name: 'velero' },
    [findingsOf(acme, ['PullSecretValid', 'ShapeValid'], one), aFinding(listed, 'Unknown')],
    ['VeleroPlugin velero/twin: spec.image must not be a repository that another plugin has'],
  )
  t.equal(
    text,
    [
      'tidewaiter refused Deployment velero/velero: 2 plugins may not be carried, 1 problem in what declares plugins:',
      '- plugin acme (VeleroPlugin velero/acme), registry.example.com/acme/plugin:1.0: PullSecretValid is False (NoPlugin): PullSecretValid was wanted; ShapeValid is False (NoPlugin): ShapeValid was wanted',
      '- plugin thing (Config app), ghcr.io/other/thing:2: ManifestReachable is Unknown (Timeout): no answer',
      '- VeleroPlugin velero/twin: spec.image must not be a repository that another plugin has',
      'The Deployment was not written. Mend what is wrong, or let the plugin in with a warning (spec.enforcement: Warn of its VeleroPlugin), or delete that VeleroPlugin, or take the plugin out of the list that declares it, or take away what cannot be read. In an emergency, kubectl label namespace velero tidewaiter.io/gate=off switches tidewaiter off for this namespace',
    ].join('\n'),
  )
})

t.test('a refusal of many with long reasons arrives whole, its ways out too', async (t) => {
  const long = { check: 'ShapeValid', ok: false, reason: 'NoPlugin', message: 'x'.repeat(4_000) } as const
  const many = Array.from({ length: 64 }, () => ({ ...aFinding(acme, 'NotReady', one), results: [long] }))
  const text = pluginRefusal({ namespace: 'velero', name: 'velero' }, many, [])
  t.ok(text.length < 16_384, String(text.length))
  t.match(text, /\n- and 44 more\nThe Deployment was not written\. .*gate=off/)
})

t.test('checks that were not made yet are told so', async (t) => {
  const bare = { plugin: acme, results: [], digest: undefined }
  t.match(
    pluginRefusal({ namespace: 'v', name: 'v' }, [bare], []),
    /1 plugin may .*its checks were not made yet/s,
  )
})

t.test('what waits for another check is not told beside that one', async (t) => {
  const unmade = {
    check: 'ShapeValid',
    ok: undefined,
    reason: 'NotChecked',
    message: 'not looked at',
  } as const
  const finding = aFinding(thing, 'Unknown')
  const text = pluginRefusal(
    { namespace: 'v', name: 'v' },
    [{ ...finding, results: [...finding.results, unmade] }],
    [],
  )
  t.match(text, /ManifestReachable is Unknown \(Timeout\): no answer\n/)
})

t.test('the audit line says of each plugin what it is, and why', async (t) => {
  t.equal(
    auditLine([aFinding(acme, 'NotReady', one), aFinding(thing, 'Ready', other)]),
    'acme=NotReady:ShapeValid/NoPlugin,thing=Ready',
  )
})

// --- the ServiceAccount's pull secrets ---

const secretsOf = (deployment: Tree): unknown => podOf(deployment)['imagePullSecrets']
const acmeReady = { findings: [aFinding(acme, 'Ready', one)] }
const account = ['of-account', 'of-account-too']
const names = (deployment: Tree) => (secretsOf(deployment) as readonly Tree[]).map((one) => one['name'])

t.test(
  'the first pull secret of a plugin brings those of the ServiceAccount along, marked as ours',
  async (t) => {
    const after = applied(installed, written({ ...acmeReady, account }))
    t.same(secretsOf(after), [{ name: 'acme-registry' }, { name: 'of-account' }, { name: 'of-account-too' }])
    t.equal(
      after['spec'].template.metadata.annotations[pullSecretsAnnotation],
      'acme-registry,of-account,of-account-too',
    )
    const again = written({ object: after, before: installed, ...acmeReady, account })
    t.same(again.do === 'carry' && again.operations, [])
  },
)

t.test('a plugin without a pull secret brings none along', async (t) => {
  const { imagePullSecret: _, ...bare } = acme
  const admitted = written({ findings: [aFinding(bare, 'Ready', one)], account })
  t.equal(secretsOf(applied(installed, admitted)), undefined)
})

t.test(
  'a template with a pull secret of its own gets none of the account, as the API server has it',
  async (t) => {
    for (const own of [{ name: 'own' }, { name: '' }]) {
      const object = withPodSpec(installed, (spec) => ({ ...spec, imagePullSecrets: [own] }))
      const after = applied(object, written({ object, ...acmeReady, account }))
      t.same(secretsOf(after), [own, { name: 'acme-registry' }])
    }
  },
)

t.test('what the account has no more goes, and all of it once no plugin brings a pull secret', async (t) => {
  const object = applied(installed, written({ ...acmeReady, account }))
  const fewer = applied(object, written({ object, ...acmeReady, account: ['of-account'] }))
  t.same(secretsOf(fewer), [{ name: 'acme-registry' }, { name: 'of-account' }])
  t.same(secretsOf(applied(object, written({ object, account }))), [])
})

t.test(
  'while the account cannot be read, what was carried over stays, also where a manifest lost it',
  async (t) => {
    const before = applied(installed, written({ ...acmeReady, account }))
    for (const object of [before, installed]) {
      const after = applied(object, written({ object, before, ...acmeReady, account: undefined }))
      t.same(new Set(names(after)), new Set(['acme-registry', ...account]))
    }
  },
)

t.test('a plugin that stays as it was keeps what was carried over for it', async (t) => {
  const before = applied(installed, written({ ...acmeReady, account }))
  const findings = [aFinding(acme, 'Unknown')]
  const after = applied(installed, written({ before, findings, account }))
  t.same(new Set(names(after)), new Set(['acme-registry', ...account]))
})
