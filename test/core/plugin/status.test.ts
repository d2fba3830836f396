import t from 'tap'
import { imageChecks, type VeleroPluginStatus } from '../../../src/api/velero-plugin.ts'
import { carriedPin } from '../../../src/core/plugin/carried.ts'
import type { PluginFindings } from '../../../src/core/plugin/findings.ts'
import { withLastKnown } from '../../../src/core/plugin/last-known.ts'
import { runsOn } from '../../../src/core/plugin/nodes.ts'
import { pluginNotes } from '../../../src/core/plugin/notes.ts'
import { pluginsAnnotation } from '../../../src/core/plugin/patch.ts'
import { readDeployment } from '../../../src/core/plugin/rollout.ts'
import { pluginStatus, storedFindings, type PluginFacts } from '../../../src/core/plugin/status.ts'
import { inOrder, type CheckResult, type ImageCheck } from '../../../src/core/plugin-check/result.ts'
import { newYear } from '../../support/fake-clock.ts'
import { aPlugin, installed, withPodSpec, type Tree } from '../../support/velero-deployments.ts'

const digest = `sha256:${'a'.repeat(64)}`
const other = `sha256:${'b'.repeat(64)}`
const image = 'registry.example.com/acme/plugin:v1'
const plugin = aPlugin(image, { name: 'acme' })

const yes = (check: ImageCheck): CheckResult => ({ check, ok: true, reason: 'Fine', message: 'fine' })
const all = imageChecks.map(yes)
const but = (...changed: readonly CheckResult[]): readonly CheckResult[] =>
  all.map((one) => changed.find(({ check }) => check === one.check) ?? one)
const found = (given: Partial<PluginFindings> = {}): PluginFindings => ({
  plugin,
  results: all,
  digest,
  ...given,
})
const no = (check: ImageCheck): CheckResult => ({ check, ok: false, reason: 'Wrong', message: 'it is wrong' })
const undecided = (check: ImageCheck): CheckResult => ({
  check,
  ok: undefined,
  reason: 'Timeout',
  message: 'no answer',
})

const rolledOut = { observedGeneration: 3, replicas: 1, updatedReplicas: 1, availableReplicas: 1 }

/** A Deployment that carries these images, as ours unless the marks say otherwise. */
function carrying(images: readonly string[], status: object = rolledOut, marks?: string) {
  const tree = withPodSpec(installed, (pod) => ({
    ...pod,
    initContainers: [
      ...pod['initContainers'],
      ...images.map((one, index) => ({ name: `ours-${index}`, image: one, volumeMounts: [] })),
    ],
  }))
  const template: Tree = tree['spec']['template']
  const annotations = { [pluginsAnnotation]: marks ?? images.map((_, index) => `ours-${index}`).join(',') }
  const read = readDeployment({
    ...tree,
    metadata: { ...tree['metadata'], generation: 3 },
    spec: { ...tree['spec'], template: { ...template, metadata: { ...template['metadata'], annotations } } },
    status,
  })
  if (read === undefined) throw new Error('no Deployment of Velero')
  return read
}

const facts = (given: Partial<PluginFacts> = {}): PluginFacts => ({
  namespace: 'velero',
  generation: 2,
  status: undefined,
  known: found(),
  deployments: [carrying([])],
  ...given,
})

const conditionOf = (status: VeleroPluginStatus | undefined, type: string) =>
  status?.conditions?.find((one) => one.type === type)

const cases: Readonly<Record<string, { given: Partial<PluginFacts>; type: string; want: object }>> = {
  'every yes makes it ready': {
    given: {},
    type: 'Ready',
    want: { status: 'True', reason: 'Ready', observedGeneration: 2 },
  },
  'a no makes it not ready, with the reason of that check': {
    given: { known: found({ results: but(no('ShapeValid')) }) },
    type: 'Ready',
    want: {
      status: 'False',
      reason: 'Wrong',
      message: /^ShapeValid: it is wrong\. It is not injected until/,
    },
  },
  'enforcement Warn says that it is injected all the same': {
    given: { known: found({ plugin: { ...plugin, enforcement: 'Warn' }, results: but(no('ShapeValid')) }) },
    type: 'Ready',
    want: { status: 'False', message: /injected all the same/ },
  },
  'an undecided check makes it neither': {
    given: { known: found({ results: but(undecided('ManifestReachable')) }) },
    type: 'Ready',
    want: { status: 'Unknown', reason: 'Timeout' },
  },
  'a no counts for more than what is undecided': {
    given: { known: found({ results: but(undecided('ManifestReachable'), no('ShapeValid')) }) },
    type: 'Ready',
    want: { status: 'False', reason: 'Wrong' },
  },
  'a moved tag keeps nothing out': {
    given: { known: found({ results: but(no('TagUnmoved')) }) },
    type: 'Ready',
    want: { status: 'True' },
  },
  'a declaration that cannot be used is told whole': {
    given: { known: { problems: ['spec.image must a', 'spec.image must b'] } },
    type: 'ReferenceValid',
    want: { status: 'False', reason: 'Invalid', message: 'spec.image must a; spec.image must b' },
  },
  'what is not carried waits for a rollout, and says how to begin one': {
    given: {},
    type: 'Injected',
    want: { status: 'False', reason: 'WaitsForRollout', message: /tidewaiter plugins rollout -n velero/ },
  },
  'what is kept out waits for its checks': {
    given: { known: found({ results: but(no('ShapeValid')) }) },
    type: 'Injected',
    want: { status: 'False', reason: 'NotReady' },
  },
  'another digest than the pinned one is not the plugin': {
    given: { deployments: [carrying([`${image}@${other}`])] },
    type: 'Injected',
    want: { status: 'False', reason: 'OtherImage', message: new RegExp(`${other} in ours-0`) },
  },
  'a digest that nobody checked waits for a rollout that brings the checked one': {
    given: { deployments: [carrying([`${image}@${other}`])] },
    type: 'Injected',
    want: {
      message: new RegExp(
        `in ours-0, and ${image}@${digest} is wanted.* tidewaiter plugins rollout -n velero`,
      ),
    },
  },
  'another version waits for a rollout': {
    given: { deployments: [carrying([`${image.replace(':v1', ':v0')}@${other}`])] },
    type: 'Injected',
    want: { status: 'False', reason: 'OtherImage', message: /tidewaiter plugins rollout -n velero/ },
  },
  'what is kept out does not wait for a rollout where an earlier image is carried': {
    given: {
      known: found({ results: but(no('ShapeValid')) }),
      deployments: [carrying([`${image.replace(':v1', ':v0')}@${other}`])],
    },
    type: 'Injected',
    want: {
      status: 'False',
      reason: 'NotReady',
      message: /carries .*:v0@.* in ours-0.* until Ready is True/,
    },
  },
  'what somebody else brings under another name is left to them, and no rollout is asked for': {
    given: { deployments: [carrying([`${image}@${other}`], rolledOut, '')] },
    type: 'Injected',
    want: { status: 'False', reason: 'BroughtByOther', message: /ours-0, which tidewaiter did not add/ },
  },
  'the pinned digest in the template is the plugin': {
    given: { deployments: [carrying([`${image}@${digest}`])] },
    type: 'Injected',
    want: { status: 'True', message: 'Deployment velero carries it in ours-0' },
  },
  'every Deployment of Velero must carry it': {
    given: { deployments: [carrying([`${image}@${digest}`]), carrying([])] },
    type: 'Injected',
    want: { status: 'False', reason: 'WaitsForRollout' },
  },
  'without a Velero it is nowhere': {
    given: { deployments: [] },
    type: 'Injected',
    want: { status: 'False', reason: 'NoDeployment' },
  },
  'before the Deployments were read nothing is said of them': {
    given: { deployments: undefined },
    type: 'RolledOut',
    want: { status: 'Unknown', reason: 'NotInjected' },
  },
  'it is rolled out when every pod runs the template': {
    given: { deployments: [carrying([`${image}@${digest}`])] },
    type: 'RolledOut',
    want: { status: 'True' },
  },
  'a template that was not looked at yet is not rolled out': {
    given: { deployments: [carrying([`${image}@${digest}`], { ...rolledOut, observedGeneration: 2 })] },
    type: 'RolledOut',
    want: { status: 'False', reason: 'RollingOut', message: /newest template was not looked at yet/ },
  },
  'an old pod that has not ended is still there': {
    given: { deployments: [carrying([`${image}@${digest}`], { ...rolledOut, replicas: 2 })] },
    type: 'RolledOut',
    want: { status: 'False', message: /1 pods of an older template/ },
  },
  'a pod that is not available does not run it': {
    given: { deployments: [carrying([`${image}@${digest}`], { ...rolledOut, availableReplicas: 0 })] },
    type: 'RolledOut',
    want: { status: 'False', message: /0 of 1 pods are available/ },
  },
  'a rollout that is stuck says why': {
    given: {
      deployments: [
        carrying([`${image}@${digest}`], {
          ...rolledOut,
          updatedReplicas: 0,
          conditions: [{ type: 'Progressing', reason: 'ProgressDeadlineExceeded', message: 'has timed out' }],
        }),
      ],
    },
    type: 'RolledOut',
    want: { status: 'False', message: /does not come up: has timed out/ },
  },
}
for (const [name, { given, type, want }] of Object.entries(cases)) {
  t.test(name, async (t) => {
    t.match(conditionOf(pluginStatus(facts(given), newYear), type), want)
  })
}

t.test('what stands already is not written again, and only a changed status has a new time', async (t) => {
  const first = pluginStatus(facts(), newYear)
  t.equal(pluginStatus(facts({ status: first }), newYear + 1), undefined)
  const reworded = found({ results: but({ ...yes('ShapeValid'), message: 'fine as ever' }) })
  const second = pluginStatus(facts({ status: first, known: reworded }), newYear + 1)
  t.equal(conditionOf(second, 'ShapeValid')?.lastTransitionTime, new Date(newYear).toISOString())
  const third = pluginStatus(
    facts({ status: first, known: found({ results: but(no('ShapeValid')) }) }),
    newYear + 1,
  )
  t.equal(conditionOf(third, 'ShapeValid')?.lastTransitionTime, new Date(newYear + 1).toISOString())
})

t.test('only a digest that was right once is pinned, and it stays for its generation', async (t) => {
  const wrong = found({ results: but(no('ShapeValid')) })
  t.equal(pluginStatus(facts({ known: wrong }), newYear)?.digest, undefined)
  const status = pluginStatus(facts(), newYear)
  t.equal(status?.digest, digest)
  t.equal(pluginStatus(facts({ known: wrong, status }), newYear)?.digest, digest)
  t.equal(pluginStatus(facts({ known: wrong, status, generation: 3 }), newYear)?.digest, undefined)
})

t.test('a status gives back what it says of its own generation, and nothing of another', async (t) => {
  const results = but(no('TagUnmoved'), undecided('PlatformSupported'))
  const status = pluginStatus(facts({ known: found({ results }) }), newYear)
  t.same(storedFindings(status, 2)?.results, results)
  t.equal(storedFindings(status, 3), undefined)
  t.equal(storedFindings(undefined, 0), undefined)
})

t.test('changes are told, and what is not known yet is no change', async (t) => {
  const unknown = pluginStatus(facts({ known: found({ results: inOrder([]), digest: undefined }) }), newYear)
  const ready = pluginStatus(facts({ known: found({ results: but(no('TagUnmoved')) }) }), newYear)
  if (unknown === undefined || ready === undefined) throw new Error('no status')
  t.same(pluginNotes(undefined, unknown), [])
  t.same(
    pluginNotes(unknown, ready).map(({ type, reason }) => `${type} ${reason}`),
    ['Warning TagMoved', 'Normal Ready'],
  )
  t.same(pluginNotes(ready, ready), [])
})

// --- what still counts ---

const kept: Readonly<Record<string, { now: readonly CheckResult[]; want: readonly string[] }>> = {
  'while a registry is down its last yes counts, and says so': {
    now: inOrder([
      yes('ReferenceValid'),
      yes('RegistryAllowed'),
      yes('PullSecretValid'),
      undecided('ManifestReachable'),
      yes('SignatureVerified'),
    ]),
    want: ['Fine', 'Fine', 'Fine', 'LastKnown', 'Fine', 'Fine', 'Fine', 'Fine'],
  },
  'a no ends all that only counted': {
    now: inOrder([yes('ReferenceValid'), yes('RegistryAllowed'), no('PullSecretValid')]),
    want: ['Fine', 'Fine', 'Wrong', 'NotChecked', 'NotChecked', 'NotChecked', 'NotChecked', 'NotChecked'],
  },
}
for (const [name, { now, want }] of Object.entries(kept)) {
  t.test(name, async (t) => {
    t.same(
      withLastKnown({ results: now, digest }, { results: all, digest }).results.map(({ reason }) => reason),
      want,
    )
  })
}

t.test('nothing that was known of another digest counts', async (t) => {
  const now = { results: but(undecided('ManifestReachable')), digest: other }
  t.equal(withLastKnown(now, { results: all, digest }), now)
  t.same(
    withLastKnown({ ...now, digest: undefined }, { results: all, digest: undefined }).results,
    now.results,
  )
})

t.test('a tag that moved stays told until it is seen to be back', async (t) => {
  const now = { results: but(undecided('TagUnmoved')), digest }
  t.match(withLastKnown(now, { results: but(no('TagUnmoved')), digest }).results[4], { ok: false })
  t.match(withLastKnown(now, { results: all, digest }).results[4], { ok: undefined, reason: 'Timeout' })
})

// --- what is carried ---

t.test('a pin counts for its own tag, and only where we wrote it', async (t) => {
  const template = carrying([`${image}@${digest}`]).template
  t.equal(carriedPin([template], plugin), digest)
  t.equal(carriedPin([template], aPlugin(image.replace('v1', 'v2'))), undefined)
  t.equal(carriedPin([{ ...template, annotations: {} }], plugin), undefined)
  t.equal(carriedPin([], plugin), undefined)
})

const arch = (operator: string, ...values: readonly string[]) => ({
  key: 'kubernetes.io/arch',
  operator,
  values,
})
const affinity = (...terms: readonly object[][]) => ({
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: terms.map((matchExpressions) => ({ matchExpressions })),
      },
    },
  },
})
const placements: Readonly<Record<string, { pod: object; want: readonly string[] }>> = {
  'Velero runs on any node of Linux': { pod: {}, want: ['linux/amd64', 'linux/arm64'] },
  'a node selector leaves the others out': {
    pod: { nodeSelector: { 'kubernetes.io/arch': 'arm64', disk: 'fast' } },
    want: ['linux/arm64'],
  },
  'what node affinity requires counts, other labels do not': {
    pod: affinity([arch('In', 'amd64', 's390x'), { key: 'disk', operator: 'Exists' }]),
    want: ['linux/amd64'],
  },
  'an architecture can be excluded': { pod: affinity([arch('NotIn', 'amd64')]), want: ['linux/arm64'] },
  'terms are alternatives': {
    pod: affinity([arch('In', 'amd64')], [arch('In', 'arm64')]),
    want: ['linux/amd64', 'linux/arm64'],
  },
}
for (const [name, { pod, want }] of Object.entries(placements)) {
  t.test(name, async (t) => {
    const nodes = ['linux/amd64', 'linux/arm64', 'windows/amd64'].filter((text) => {
      const [os = '', architecture = ''] = text.split('/')
      return runsOn({ spec: { template: { spec: pod } } })({ os, architecture })
    })
    t.same(nodes, want)
  })
}
