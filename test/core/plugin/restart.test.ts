/** What a restart of Velero changes, what it must wait for, how far it is, and what its pods say. */
import t from 'tap'
import { aboardOf, conditionStatus } from '../../../src/core/plugin/aboard.ts'
import { isServing, podSelector, troublesOf, troubleText } from '../../../src/core/plugin/pods.ts'
import { changesBetween, changeText, restartPatch } from '../../../src/core/plugin/restart.ts'
import { isPaused, rolloutOf, wantedReplicas } from '../../../src/core/plugin/rollout.ts'
import { workIn, workText } from '../../../src/core/plugin/work.ts'
import { awsContainer, installed, withPodSpec } from '../../support/velero-deployments.ts'

const restartedAt = 'kubectl.kubernetes.io/restartedAt'
const object = (name: string, phase?: string) => ({
  metadata: { name },
  status: phase === undefined ? {} : { phase },
})

t.test(
  'what has not ended is in hand, also what Velero did not see yet; what has ended is not',
  async (t) => {
    const phases = [
      'New',
      'Queued',
      'ReadyToStart',
      'InProgress',
      'WaitingForPluginOperations',
      'WaitingForPluginOperationsPartiallyFailed',
      'Finalizing',
      'FinalizingPartiallyFailed',
    ]
    t.equal(
      workIn(
        'Backup',
        [undefined, ...phases].map((phase) => object('b', phase)),
      ).length,
      9,
    )
    const ended = ['Completed', 'PartiallyFailed', 'Failed', 'FailedValidation', 'Deleting']
    t.same(
      workIn(
        'Restore',
        ended.map((phase) => object('r', phase)),
      ),
      [],
    )
    t.same(workIn('Restore', [object('r')]), [{ kind: 'Restore', name: 'r', phase: 'New' }])
  },
)

t.test('of much work the first are named', async (t) => {
  const work = workIn(
    'Backup',
    [1, 2, 3, 4, 5, 6, 7].map((n) => object(`b${n}`, 'Queued')),
  )
  t.match(workText(work), /^Backup b1 \(Queued\), .*Backup b5 \(Queued\) and 2 more$/)
})

t.test('a restart names the version that was looked at, and writes what kubectl writes', async (t) => {
  const deployment = { ...installed, metadata: { ...installed['metadata'], resourceVersion: '7' } }
  t.same(restartPatch(deployment, 'T'), {
    metadata: { resourceVersion: '7' },
    spec: { template: { metadata: { annotations: { [restartedAt]: 'T' } } } },
  })
})

const template = (annotations: object) => ({
  spec: { template: { ...installed['spec'].template, metadata: { annotations } } },
})

t.test('the time of a restart is no change; any other difference of the template is', async (t) => {
  const before = template({ a: '1', b: '2' })
  t.same(changesBetween(before, template({ b: '2', [restartedAt]: 'T', a: '1' })), {
    initContainers: [],
    isAny: false,
  })
  t.match(changesBetween(before, template({ a: '1', b: '3' })), { initContainers: [], isAny: true })
})

t.test('initContainers that come, change and go', async (t) => {
  const acme = (image: string) => ({ ...awsContainer, name: 'acme', image })
  const before = withPodSpec(installed, (spec) => ({ ...spec, initContainers: [awsContainer, acme('a:1')] }))
  const after = withPodSpec(installed, (spec) => ({
    ...spec,
    initContainers: [acme('a:2'), { ...acme('b:1'), name: 'new' }],
  }))
  const { initContainers, isAny } = changesBetween(before, after)
  t.ok(isAny)
  t.same(initContainers.map(changeText), [
    `- ${awsContainer.name} ${awsContainer.image}`,
    '~ acme a:1 -> a:2',
    '+ new b:1',
  ])
})

const status = (status: object, spec: object = {}) => ({ metadata: { generation: 2 }, spec, status })
const whole = { observedGeneration: 2, replicas: 1, updatedReplicas: 1, availableReplicas: 1 }

const not = (phrase: string) => ({ isDone: false, isGivenUp: false, phrase })

const rollouts: Readonly<Record<string, { readonly given: object; readonly want: object }>> = {
  'all new and ready': { given: status(whole), want: { isDone: true } },
  'a change that nobody took up': {
    given: status({ ...whole, observedGeneration: 1 }),
    want: not('its newest template was not looked at yet'),
  },
  'new pods that are not there yet': {
    given: status({ ...whole, updatedReplicas: 0 }),
    want: not('0 of 1 pods are of its newest template'),
  },
  'former pods that are still there': {
    given: status({ ...whole, replicas: 2 }),
    want: not('1 pods of an older template have not ended'),
  },
  'new pods that are not ready': {
    given: status({ ...whole, updatedReplicas: 3, replicas: 3 }, { replicas: 3 }),
    want: not('1 of 3 pods are available'),
  },
  'scaled to nothing': {
    given: status(whole, { replicas: 0 }),
    want: not('it is scaled to 0'),
  },
  'given up': {
    given: status({
      ...whole,
      conditions: [{ type: 'Progressing', reason: 'ProgressDeadlineExceeded', message: 'too long' }],
    }),
    want: { ...not('it does not come up: too long'), isGivenUp: true },
  },
}

for (const [name, { given, want }] of Object.entries(rollouts))
  t.test(`a rollout: ${name}`, async (t) => t.same(rolloutOf(given), want))

t.test('a Deployment wants one pod unless it says, and may be paused', async (t) => {
  t.equal(wantedReplicas({}), 1)
  t.equal(wantedReplicas({ spec: { replicas: 0 } }), 0)
  t.notOk(isPaused({}))
  t.ok(isPaused({ spec: { paused: true } }))
})

const pod = (status: object, metadata: object = {}) => ({ metadata: { name: 'p', ...metadata }, status })
const waiting = (reason: string, message = '') => ({ name: 'acme', state: { waiting: { reason, message } } })
const initPod = (...initContainerStatuses: readonly object[]) => pod({ initContainerStatuses })
const troubles = (...pods: readonly object[]) => troublesOf(pods as never, installed).map(troubleText)

t.test('a pod that comes up as usual is in no trouble', async (t) => {
  const up = initPod(waiting('PodInitializing'), waiting('ContainerCreating'), {
    name: 'done',
    state: { terminated: { exitCode: 0, reason: 'Completed' } },
  })
  t.same(troubles(up, pod({}), pod({ conditions: [{ type: 'PodScheduled', status: 'True' }] })), [])
})

t.test('what keeps a pod down: container, reason and message on one line', async (t) => {
  const long = 'x'.repeat(1000)
  t.same(troubles(initPod(waiting('ErrImagePull', 'manifest\n  unknown'))), [
    'container acme of pod p: ErrImagePull: manifest unknown',
  ])
  t.same(troubles(initPod(waiting('InvalidImageName'))), ['container acme of pod p: InvalidImageName'])
  t.equal(
    troubles(initPod(waiting('ErrImagePull', long)))[0]?.length,
    'container acme of pod p: ErrImagePull: '.length + 500,
  )
  t.same(troubles(initPod({ name: 'acme', state: { terminated: { exitCode: 2, message: 'no cp' } } })), [
    'container acme of pod p: Error: it ended with 2: no cp',
  ])
  t.same(troubles(initPod(waiting('CrashLoopBackOff', 'back-off'))), [
    'container acme of pod p: CrashLoopBackOff: it ends again and again',
  ])
  const unschedulable = {
    type: 'PodScheduled',
    status: 'False',
    reason: 'Unschedulable',
    message: '0/1 nodes',
  }
  t.same(troubles(pod({ conditions: [unschedulable] })), ['pod p: Unschedulable: 0/1 nodes'])
})

t.test('pods of another template, and pods that leave, say nothing of this one', async (t) => {
  const stuck = initPod(waiting('ErrImagePull')).status
  t.same(troubles(pod(stuck, { annotations: { [restartedAt]: 'T' } })), [])
  t.same(troubles(pod(stuck, { deletionTimestamp: 'T' })), [])
})

t.test('Velero works where its own container runs, whatever its initContainers say', async (t) => {
  t.ok(isServing([pod({ containerStatuses: [{ name: 'velero', state: { running: {} } }] })]))
  t.notOk(isServing([pod({ containerStatuses: [{ name: 'sidecar', state: { running: {} } }] })]))
  t.notOk(isServing([pod({ containerStatuses: [{ name: 'velero', state: { waiting: {} } }] }), pod({})]))
})

t.test('the selector of a Deployment as lists take it', async (t) => {
  const matchExpressions = [
    { key: 'a', operator: 'In', values: ['x', 'y'] },
    { key: 'b', operator: 'NotIn', values: ['z'] },
    { key: 'c', operator: 'Exists' },
    { key: 'd', operator: 'DoesNotExist' },
  ]
  const selector = { matchLabels: { deploy: 'velero', 'a.b/c': '' }, matchExpressions }
  t.equal(podSelector({ spec: { selector } }), 'deploy=velero,a.b/c=,a in (x,y),b notin (z),c,!d')
})

const declared = (image: string, more: object = {}) => ({
  metadata: { generation: 2 },
  spec: { image },
  ...more,
})

t.test('a VeleroPlugin is aboard if an initContainer brings its image in any version', async (t) => {
  const aws = declared('docker.io/velero/velero-plugin-for-aws:v9')
  t.same(aboardOf(installed, [aws, declared('velero/other:1'), declared('Not An Image')]), [aws])
  t.same(aboardOf({}, [aws]), [])
})

t.test('what a condition says of an earlier generation is unknown', async (t) => {
  const told = (observed: object, inStatus: object = {}) =>
    conditionStatus(
      declared('a', {
        status: { ...inStatus, conditions: [{ type: 'Ready', status: 'True', ...observed }] },
      }),
      'Ready',
    )
  t.equal(told({ observedGeneration: 2 }), 'True')
  t.equal(told({ observedGeneration: 1 }), 'Unknown')
  t.equal(told({}, { observedGeneration: 1 }), 'Unknown')
  t.equal(told({}), 'True')
  t.equal(conditionStatus({}, 'Ready'), 'Unknown')
})
