/** A leader that stands still in the middle of an action, until another leads: what it was about to send is never sent. */
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { certificate, serve, serveRaw } from '../net/servers.ts'
import { callerOf, eventually, pathOf, type Call, type Loose } from '../support/asking.ts'
import { startBalancer } from './balancer.ts'
import { pacedClock } from './clock.ts'
import { startHarnessCluster } from './cluster.ts'
import { startProcess, type ServiceProcess } from './service-process.ts'

const seconds = 60

/** A cluster, and processes of the service in it, each started when a test says so. */
async function startAll(t: Test) {
  const pace = { beganAt: Date.now(), speed: 5 }
  const cluster = await startHarnessCluster(pacedClock(pace), [])
  const { api } = cluster
  const processes: ServiceProcess[] = []
  const balancer = await startBalancer(() =>
    processes.filter((one) => one.isReady()).map(({ webhookPort }) => webhookPort),
  )
  t.teardown(async () => {
    await Promise.all(processes.map((one) => one.kill()))
    await balancer.stop()
    await cluster.stop()
  })
  const folder = t.testdir()
  const world = {
    folder,
    log: join(folder, 'service.log'),
    kubeconfig: api.kubeconfig('tidewaiter', 'velero'),
    api,
    pace,
    webhookUrl: `https://127.0.0.1:${balancer.port}`,
    onCall: () => undefined,
  }
  const start = async (name: string): Promise<ServiceProcess> => {
    const one = await startProcess(world, name)
    processes.push(one)
    await eventually(`${name} is ready`, () => one.isReady() || undefined, { seconds })
    return one
  }
  return { call: callerOf(t, api), start }
}

/** Whether a process of this name holds the Lease of the leader. */
async function leads(call: Call, name: string): Promise<true | undefined> {
  const { body } = await call('GET', '/apis/coordination.k8s.io/v1/leases')
  const holders = body.items.map(({ spec }: Loose) => String(spec?.holderIdentity))
  return holders.some((holder: string) => holder.startsWith(`${name}-`)) || undefined
}

const postRun = async (call: Call): Promise<Loose> =>
  (await call('GET', pathOf('actionruns'))).body.items.find(({ spec }: Loose) => spec.stage === 'PostBackup')

/** A server for actions whose first connection is kept waiting in the handshake, until the test says `greet`. */
async function slowToGreet(t: Test, onFirst: () => void) {
  const heard: (string | undefined)[] = []
  const pair = certificate({ name: '127.0.0.1' })
  const answer = (request: Loose, response: Loose) => {
    heard.push(request.headers['idempotency-key'])
    response.end('{}')
  }
  const behind = await serve(t, answer, pair)
  const first = Promise.withResolvers<{ readonly socket: Socket; readonly hello: Buffer }>()
  let met = false
  const passOn = (socket: Socket): Socket => {
    const far = connect(behind, '127.0.0.1')
    // A handshake that nobody ends would be waited for.
    socket.once('close', () => far.destroy())
    socket.pipe(far).pipe(socket)
    return far
  }
  const { port } = await serveRaw(t, (socket) => {
    const isFirst = !met
    met = true
    if (!isFirst) return void passOn(socket)
    socket.once('data', (hello) => {
      onFirst()
      socket.pause()
      first.resolve({ socket, hello })
    })
  })
  const greet = async () => {
    const { socket, hello } = await first.promise
    socket.unshift(hello)
    const far = passOn(socket)
    await new Promise<void>((resolve) => far.once('data', () => resolve()))
    return { hungUp: new Promise<void>((resolve) => void socket.once('close', () => resolve())) }
  }
  return { url: `https://127.0.0.1:${port}/`, ca: pair.cert, heard, greet }
}

t.test('another leads and does it, long before its deadline; who wakes up sends nothing', async (t) => {
  const { call, start } = await startAll(t)
  const one = await start('one')
  await eventually('the first leads', () => leads(call, 'one'), { seconds })
  const server = await slowToGreet(t, () => one.pause())
  const spec = { stage: 'PostBackup', timeoutSeconds: 600, http: { url: server.url, caBundle: server.ca } }
  const action = { apiVersion: 'tidewaiter.io/v1beta1', kind: 'Action' }
  const metadata = { name: '90-note', namespace: 'velero' }
  t.equal((await call('POST', pathOf('actions'), { body: { ...action, metadata, spec } })).status, 201)
  const accepted = async () => {
    const { body } = await call('GET', `${pathOf('actions')}/90-note`)
    return body.status?.conditions?.[0]?.status === 'True' || undefined
  }
  await eventually('the Action is known', accepted, { seconds })
  await start('two')
  const backup = { apiVersion: 'velero.io/v1', kind: 'Backup', metadata: { name: 'b1', namespace: 'velero' } }
  t.equal((await call('POST', pathOf('backups'), { body: { ...backup, spec: {} } })).status, 201)

  const done = async () => {
    const found = await postRun(call)
    return found?.status?.phase === 'Succeeded' ? found : undefined
  }
  const { status, metadata: written } = await eventually('another has done it', done, { seconds })
  t.ok(status.owner.startsWith('two-'))
  const took = Date.parse(status.completionTimestamp) - Date.parse(status.startTimestamp)
  t.ok(took < 300_000, `it took ${took} ms, and the deadline was after ten minutes`)
  t.equal(server.heard.length, 1)

  const { hungUp } = await server.greet()
  // It is in the buffer of the connection when the process wakes up: it comes before any timer.
  await sleep(100)
  one.goOn()
  await hungUp
  t.equal(server.heard.length, 1, 'it hangs up, and asks nothing')
  t.equal(one.isDead(), false)
  t.equal((await postRun(call)).metadata.resourceVersion, written.resourceVersion, 'nor does it write')
})
