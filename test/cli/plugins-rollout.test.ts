/** `tidewaiter plugins rollout`, against a real API server: what it waits for, what it does, how it ends. */
import t, { type Test } from 'tap'
import { systemClock } from '../../src/system-clock.ts'
import { eventually, type Loose } from '../support/asking.ts'
import { cli, type CliSetting, type Said } from '../support/cli.ts'
import { fastClock } from '../support/fast-clock.ts'
import {
  aVeleroPlugin,
  deploymentPath,
  running,
  startDeploymentWebhook,
  startVeleroCluster,
  type VeleroCluster,
} from '../support/velero-cluster.ts'
import { aPlugin } from '../support/velero-deployments.ts'
import { whenThorough } from '../support/runs.ts'

t.jobs = 4

const digest = `sha256:${'a'.repeat(64)}`
const image = 'registry.example.com/acme/velero-plugin:1.0.0'
const acme = aPlugin(`${image}@${digest}`)
const restarts = (deployment: { readonly spec: { readonly template: { readonly metadata: object } } }) =>
  (deployment.spec.template.metadata as Record<string, Record<string, string>>)['annotations']?.[
    'kubectl.kubernetes.io/restartedAt'
  ]

const rollout = (cluster: VeleroCluster, args: readonly string[] = ['--yes'], setting: CliSetting = {}) =>
  cli(['plugins', 'rollout', '--kubeconfig', cluster.kubeconfig(), ...args], {
    clock: fastClock(50),
    ...setting,
  })

const ready = { Ready: 'True', Injected: ['False', 'WaitsForRollout'] } as const
const aboard = { Ready: 'True', Injected: 'True', RolledOut: 'True' } as const

const aBackup = (name: string, phase: string) => ({
  apiVersion: 'velero.io/v1',
  kind: 'Backup',
  metadata: { name, namespace: 'velero' },
  spec: {},
  status: { phase },
})

/** What kubelet, Deployment controller and our own controller do once Velero restarts. */
async function comesUp(cluster: VeleroCluster): Promise<void> {
  await eventually('Velero is restarted', async () => restarts(await cluster.deployment()))
  cluster.pod(running)
  await cluster.rollsOut()
  cluster.seed(aVeleroPlugin('acme', image, aboard))
}

async function begun(t: Test): Promise<VeleroCluster> {
  const cluster = await startVeleroCluster(t)
  await startDeploymentWebhook(t, cluster, [acme])
  cluster.seed(aVeleroPlugin('acme', image, ready))
  return cluster
}

t.test('what waits is rolled out: told, restarted once, followed to its end', async (t) => {
  const cluster = await begun(t)
  const [said] = await Promise.all([rollout(cluster), comesUp(cluster)])
  t.equal(said.code, 0, said.err)
  t.equal(said.out, 'Velero runs with acme\n')
  t.match(said.err, `+ acme-velero-plugin ${image}@${digest}\nVelero restarts with acme-velero-plugin\n`)
  const { spec } = await cluster.deployment()
  t.match(spec.template.spec.initContainers.at(-1), { image: `${image}@${digest}` })
  t.match(restarts(await cluster.deployment()), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, 'as kubectl writes it')
})

t.test('what the write is warned of is shown once, and drives no terminal', whenThorough, async (t) => {
  const cluster = await startVeleroCluster(t)
  await startDeploymentWebhook(t, cluster, [acme], ['its "tag" was moved: \u202egnp', 'and another'])
  cluster.seed(aVeleroPlugin('acme', image, ready))
  const [said] = await Promise.all([rollout(cluster), comesUp(cluster)])
  t.equal(said.code, 0, said.err)
  const warned = said.err.split('\n').filter((line) => line.startsWith('Warning: '))
  t.same(warned, ['Warning: its "tag" was moved: \\u202egnp', 'Warning: and another'])
  t.ok(said.err.indexOf('and another') < said.err.indexOf('Velero restarts'), 'before anything is done')
})

t.test('a write that is refused shows what it was warned of too', whenThorough, async (t) => {
  const cluster = await startVeleroCluster(t)
  await startDeploymentWebhook(t, cluster, { refusal: 'not aboard' }, ['look at the other one'])
  cluster.seed(aVeleroPlugin('acme', image, ready))
  t.match(await rollout(cluster), {
    code: 1,
    err: /^Warning: look at the other one\ntidewaiter: .*not aboard/,
  })
})

t.test('it waits for a Backup and a Restore, and for nothing that has ended', async (t) => {
  const seen: Said = { out: '', err: '', code: 0 }
  const cluster = await begun(t)
  const restore = { ...aBackup('r1', 'WaitingForPluginOperations'), kind: 'Restore' }
  cluster.seed(aBackup('done', 'Completed'), aBackup('b1', 'InProgress'), restore)
  const over = (async () => {
    await eventually('it waits', () => seen.err.includes('waiting for') || undefined)
    cluster.seed({ ...restore, status: { phase: 'Completed' } })
    await eventually(
      'it waits for one',
      () => /waiting for Backup b1 \(InProgress\)\n/.test(seen.err) || undefined,
    )
    t.equal(restarts(await cluster.deployment()), undefined, 'nothing was restarted yet')
    cluster.seed(aBackup('b1', 'Completed'))
    await comesUp(cluster)
  })()
  const [said] = await Promise.all([rollout(cluster, ['--yes'], { seen }), over])
  t.equal(said.code, 0, said.err)
  t.match(said.err, 'waiting for Backup b1 (InProgress), Restore r1 (WaitingForPluginOperations)\n')
})

t.test('work that does not end in time: nothing is restarted, 1', async (t) => {
  const cluster = await begun(t)
  cluster.seed(aBackup('b1', 'InProgress'))
  const said = await rollout(cluster, ['--yes', '--timeout', '40s'])
  t.match(said, {
    code: 1,
    out: '',
    err: 'tidewaiter: Velero was not restarted: after 40 s still waiting for Backup b1 (InProgress)\n',
  })
  t.equal(restarts(await cluster.deployment()), undefined)
})

t.test('where no server of Velero runs, what it left in hand is not waited for', whenThorough, async (t) => {
  const cluster = await begun(t)
  cluster.pod({
    containerStatuses: [{ name: 'velero', state: { waiting: { reason: 'CrashLoopBackOff' } } }],
  })
  cluster.seed(aBackup('b1', 'InProgress'))
  const [said] = await Promise.all([rollout(cluster), comesUp(cluster)])
  t.equal(said.code, 0, said.err)
  t.notMatch(said.err, 'waiting for')
})

t.test('who may look but not write is told before anybody waits: 1', whenThorough, async (t) => {
  const cluster = await begun(t)
  cluster.seed(aBackup('b1', 'InProgress'))
  const said = await rollout(cluster, ['--yes', '--kubeconfig', cluster.kubeconfig('reader')])
  t.equal(said.code, 1)
  t.match(said.err, /Velero was not restarted: PATCH .*403.*"reader" cannot patch resource "deployments"/)
  t.notMatch(said.err, 'waiting for')
})

t.test('who may not look is told so: 4', whenThorough, async (t) => {
  const cluster = await startVeleroCluster(t)
  const said = await rollout(cluster, ['--yes', '--kubeconfig', cluster.kubeconfig('nobody')])
  t.match(said, { code: 4, err: /must let this user look, got: .*403.*somebody with the rights/ })
})

t.test('a plugin that the checks keep out refuses the restart, in the words of the webhook: 1', async (t) => {
  const cluster = await startVeleroCluster(t)
  await startDeploymentWebhook(t, cluster, { refusal: 'tidewaiter refused: acme: ManifestReachable' })
  const said = await rollout(cluster)
  t.match(said, { code: 1, err: /Velero was not restarted: .*tidewaiter refused: acme: ManifestReachable/ })
})

t.test('nothing waits: nothing is done, 0', async (t) => {
  const cluster = await startVeleroCluster(t)
  const said = await rollout(cluster)
  t.same(said, { code: 0, err: '', out: 'nothing waits for a rollout: Velero was not restarted\n' })
  t.equal(restarts(await cluster.deployment()), undefined)
})

t.test('what nobody looked at is not taken for nothing that waits: 1', whenThorough, async (t) => {
  const cluster = await startVeleroCluster(t)
  cluster.seed(aVeleroPlugin('acme', image))
  t.match(await rollout(cluster, ['--dry-run']), {
    code: 1,
    err: /nothing is known of acme: .*VELERO_PLUGINS_ENABLED=true/,
  })
})

t.test(
  'a plugin that no webhook would put in is not rolled out: 1, with what to look at',
  whenThorough,
  async (t) => {
    const cluster = await startVeleroCluster(t)
    cluster.seed(aVeleroPlugin('acme', image, ready))
    const said = await rollout(cluster)
    t.match(said, { code: 1, err: /acme would not come aboard by a restart.*VELERO_PLUGINS_ENABLED=true/ })
    t.equal(restarts(await cluster.deployment()), undefined)
  },
)

t.test('what somebody else brings is not waited for: nothing is done, 0', whenThorough, async (t) => {
  const cluster = await startVeleroCluster(t)
  cluster.seed(aVeleroPlugin('acme', image, { ...ready, Injected: ['False', 'BroughtByOther'] }))
  t.match(await rollout(cluster), { code: 0, out: /nothing waits for a rollout/ })
})

t.test('a rollout that is under way is followed, and not begun again', async (t) => {
  const seen: Said = { out: '', err: '', code: 0 }
  const cluster = await startVeleroCluster(t)
  await cluster.rollsOut({ replicas: 2, updatedReplicas: 1, availableReplicas: 1 })
  const over = eventually(
    'it follows',
    () => seen.err.includes('1 pods of an older template') || undefined,
  ).then(() => cluster.rollsOut())
  const [said] = await Promise.all([rollout(cluster, ['--yes'], { seen }), over])
  t.match(said, {
    code: 0,
    err: /a rollout is under way already\n/,
    out: 'Velero runs as its Deployment says\n',
  })
  t.equal(restarts(await cluster.deployment()), undefined)
})

const pulls = (reason: string, message: string) => ({
  initContainerStatuses: [{ name: 'acme-velero-plugin', state: { waiting: { reason, message } } }],
})

t.test('an image that cannot be pulled: the container, the reason and what to do, 1', async (t) => {
  const seen: Said = { out: '', err: '', code: 0 }
  const cluster = await begun(t)
  const stuck = (async () => {
    await eventually('Velero is restarted', async () => restarts(await cluster.deployment()))
    await cluster.rollsOut({ replicas: 2, updatedReplicas: 1, availableReplicas: 1 })
    cluster.pod(pulls('ErrImagePull', 'not found'))
    await eventually('it is told', () => seen.err.includes('ErrImagePull: not found') || undefined)
    cluster.pod(pulls('ImagePullBackOff', 'Back-off pulling image'))
  })()
  const [said] = await Promise.all([rollout(cluster, ['--yes'], { seen }), stuck])
  t.equal(said.code, 1)
  t.match(
    said.err,
    /the rollout does not go on. container acme-velero-plugin of pod velero-1: ImagePullBackOff: Back-off pulling image. The former Velero may run on until it is mended/,
  )
})

t.test('a Velero that crashes seconds after its start was never rolled out: 1', whenThorough, async (t) => {
  const cluster = await begun(t)
  const crash = {
    containerStatuses: [
      {
        name: 'velero',
        restartCount: 1,
        state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 10s' } },
        lastState: { terminated: { exitCode: 1, message: 'unable to register plugin' } },
      },
    ],
  }
  let looks = 0
  cluster.api.onRequest(({ method, url }) => {
    if (method !== 'GET' || !url.includes('/pods')) return
    looks += 1
    // One look in four finds it between two crashes.
    cluster.pod(looks % 4 === 0 ? running : crash)
  })
  const [said] = await Promise.all([rollout(cluster), comesUp(cluster)])
  t.equal(said.code, 1, said.err)
  t.match(
    said.err,
    /container velero of pod velero-1: CrashLoopBackOff: it ended with 1: unable to register plugin/,
  )
})

t.test('a rollout that the Deployment gave up: 1, in its words', whenThorough, async (t) => {
  const cluster = await begun(t)
  const gaveUp = (async () => {
    await eventually('Velero is restarted', async () => restarts(await cluster.deployment()))
    const conditions = [
      {
        type: 'Progressing',
        status: 'False',
        reason: 'ProgressDeadlineExceeded',
        message: 'it took too long',
      },
    ]
    await cluster.rollsOut({ replicas: 1, updatedReplicas: 1, conditions })
  })()
  const [said] = await Promise.all([rollout(cluster), gaveUp])
  t.match(said, {
    code: 1,
    err: /tidewaiter: it does not come up: it took too long. The former Velero may run on/,
  })
})

t.test(
  'a VeleroPlugin that does not say that it is rolled out: 1, with its reason',
  whenThorough,
  async (t) => {
    const cluster = await begun(t)
    const silent = (async () => {
      await comesUp(cluster)
      cluster.seed(aVeleroPlugin('acme', image, { ...aboard, RolledOut: ['False', 'OldPodRuns'] }))
    })()
    const [said] = await Promise.all([rollout(cluster), silent])
    t.match(said, {
      code: 1,
      err: /Velero runs, but its rollout is not told by VeleroPlugin acme \(OldPodRuns\). Check that/,
    })
  },
)

t.test(
  'a plugin that the checks keep out, and whose former version is aboard, is not waited for',
  whenThorough,
  async (t) => {
    const cluster = await begun(t)
    const kept = { Ready: ['False', 'ChecksFailed'], RolledOut: ['False', 'OtherImage'] } as const
    const restarted = (async () => {
      await comesUp(cluster)
      cluster.seed(aVeleroPlugin('acme', image, kept))
    })()
    const [said] = await Promise.all([rollout(cluster), restarted])
    t.match(said, { code: 0, out: 'Velero runs as its Deployment says\n' })
  },
)

t.test('a dry run says what would be done, and what it would wait for', async (t) => {
  const cluster = await begun(t)
  t.match(await rollout(cluster, ['--dry-run']), {
    code: 0,
    err: `+ acme-velero-plugin ${image}@${digest}\n`,
    out: 'dry run: Velero would be restarted now\n',
  })
  cluster.seed(aBackup('b1', 'Queued'))
  t.match(await rollout(cluster, ['--dry-run']), {
    out: 'dry run: Velero would be restarted once this has ended: Backup b1 (Queued)\n',
  })
  t.equal(restarts(await cluster.deployment()), undefined)
})

t.test('a person is asked, and nothing is done without a yes', async (t) => {
  const cluster = await begun(t)
  const no = await rollout(cluster, [], { terminals: ['stdin'], answer: '\n' })
  t.match(no, { code: 1, err: /Restart Velero in namespace velero with this\? \[y\/N\] .*nothing was done/s })
  t.equal(restarts(await cluster.deployment()), undefined)
  const [yes] = await Promise.all([
    rollout(cluster, [], { terminals: ['stdin'], answer: 'y' }),
    comesUp(cluster),
  ])
  t.equal(yes.code, 0, yes.err)
})

t.test('nobody to ask and no --yes, or a timeout that is none: usage, 2', async (t) => {
  const said = await cli(['plugins', 'rollout', '--timeout', 'soon'])
  t.same(said, {
    code: 2,
    out: '',
    err: [
      'tidewaiter: --timeout must be a duration such as 90s, 30m or 2h, got "soon"',
      'tidewaiter: --yes must be given where nobody can be asked: stdin is no terminal',
      'Run `tidewaiter plugins rollout --help` for what there is.',
      '',
    ].join('\n'),
  })
})

t.test('a Deployment that is paused, and none at all', whenThorough, async (t) => {
  const cluster = await begun(t)
  const patch = { type: 'application/merge-patch+json', body: { spec: { paused: true } } }
  await cluster.call('PATCH', deploymentPath, patch)
  t.match(await rollout(cluster), { code: 1, err: /kubectl rollout resume deployment\/velero/ })
  t.match(await rollout(cluster, ['--yes', '-n', 'elsewhere']), {
    code: 4,
    err: /the namespace elsewhere must have one Deployment .*got none/,
  })
})

t.test('a template that another changes meanwhile is left to that rollout: 1', whenThorough, async (t) => {
  const seen: Said = { out: '', err: '', code: 0 }
  const cluster = await begun(t)
  cluster.seed(aBackup('b1', 'InProgress'))
  const other = (async () => {
    await eventually('it waits', () => seen.err.includes('waiting for') || undefined)
    const body = { spec: { template: { metadata: { annotations: { upgraded: 'yes' } } } } }
    await cluster.call('PATCH', deploymentPath, { type: 'application/merge-patch+json', body })
    cluster.seed(aBackup('b1', 'Completed'))
  })()
  const [said] = await Promise.all([rollout(cluster, ['--yes'], { seen }), other])
  t.match(said, { code: 1, err: /its pod template was changed by another meanwhile/ })
  t.equal(restarts(await cluster.deployment()), undefined)
})

t.test(
  'an API server that goes away while it waits is waited for too; without one from the start: 3',
  whenThorough,
  async (t) => {
    const seen: Said = { out: '', err: '', code: 0 }
    const cluster = await begun(t)
    cluster.seed(aBackup('b1', 'InProgress'))
    const away = (async () => {
      await eventually('it waits', () => seen.err.includes('waiting for Backup b1') || undefined)
      await cluster.api.restart()
      cluster.seed(aBackup('b1', 'Completed'))
      await comesUp(cluster)
    })()
    const [said] = await Promise.all([rollout(cluster, ['--yes'], { seen }), away])
    t.equal(said.code, 0, said.err)
    const kubeconfig = cluster.kubeconfig()
    await cluster.api.stop()
    const none = await cli(['plugins', 'rollout', '--yes', '--kubeconfig', kubeconfig], {
      clock: fastClock(50),
    })
    t.match(none, { code: 3, err: /the API server https:\S+ must answer/ })
  },
)

t.test(
  'a Deployment that changed since the look at the work is not restarted, but looked at again',
  whenThorough,
  async (t) => {
    const seen: Said = { out: '', err: '', code: 0 }
    const cluster = await begun(t)
    let isFirst = true
    cluster.api.onRequest(({ method, url }) => {
      if (!isFirst || method !== 'GET' || !url.includes('/backups')) return
      isFirst = false
      const read = cluster.api.read('apps/deployments', 'velero', 'velero') as Loose
      cluster.seed({ ...read, metadata: { ...read.metadata, annotations: { touched: 'yes' } } })
      cluster.seed(aBackup('b1', 'InProgress'))
    })
    const over = (async () => {
      await eventually('it waits', () => seen.err.includes('waiting for Backup b1') || undefined)
      cluster.seed(aBackup('b1', 'Completed'))
      await comesUp(cluster)
    })()
    const [said] = await Promise.all([rollout(cluster, ['--yes'], { seen }), over])
    t.equal(said.code, 0, said.err)
  },
)

t.test('Ctrl-C ends it at once, with 130', async (t) => {
  const seen: Said = { out: '', err: '', code: 0 }
  const cluster = await begun(t)
  cluster.seed(aBackup('b1', 'InProgress'))
  const stop = new AbortController()
  const began = systemClock.now()
  const stopping = eventually('it waits', () => seen.err.includes('waiting for') || undefined).then(() =>
    stop.abort(),
  )
  const [said] = await Promise.all([
    rollout(cluster, ['--yes'], { seen, stop: stop.signal, clock: systemClock }),
    stopping,
  ])
  t.match(said, { code: 130, out: '' })
  t.ok(systemClock.now() - began < 4000, 'without waiting for the next look')
})
