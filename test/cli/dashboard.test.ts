/** `tidewaiter dashboard`: finds the pod, leads a port of this machine into it, says how to sign in, and ends by Ctrl-C. */
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { dashboardCommand } from '../../src/cli/dashboard.ts'
import { startApiServer } from '../../src/sandbox/apiserver/server.ts'
import type { Forwarder, Target } from '../../src/wiring/forward.ts'
import { eventually } from '../support/asking.ts'

const labels = { 'app.kubernetes.io/name': 'tidewaiter-dashboard' }
const pod = (name: string, ready: boolean, more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'tidewaiter', labels, ...more },
  spec: { containers: [{ name: 'dashboard', image: 'tidewaiter:0.1.0' }] },
  status: { conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
})

/** Runs the command against an API server with these objects. */
async function run(t: Test, objects: readonly unknown[], args: readonly string[], forward: Forwarder) {
  const api = await startApiServer({})
  t.teardown(() => api.stop())
  api.seed([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'tidewaiter' } }, ...objects])
  const kubeconfig = join(t.testdir(), 'kubeconfig')
  writeFileSync(kubeconfig, api.kubeconfig('admin'))
  let [out, err, code] = ['', '', -1]
  let stop = () => {}
  const world = {
    env: {},
    version: '0.0.0-test',
    hostname: 'test',
    stdin: async function* () {},
    ask: async () => '',
    isTerminal: () => false,
    stdout: (text: string) => void (out += text),
    stderr: (text: string) => void (err += text),
    onStop: (listener: () => void) => void (stop = listener),
    exitCode: (given: number) => void (code = given),
    columns: () => 120,
  }
  const command = dashboardCommand(world, async () => forward).exitOverride()
  const ended = command.parseAsync(['--kubeconfig', kubeconfig, ...args], { from: 'user' })
  return { ended, out: () => out, err: () => err, code: () => code, stop: () => stop() }
}

t.test('a port of this machine leads into the pod that is ready, until Ctrl-C', async (t) => {
  const targets: Target[] = []
  const echo: Forwarder = async (target, socket) => {
    targets.push(target)
    socket.pipe(socket)
  }
  const ran = await run(t, [pod('a', false), pod('b', true)], ['--port', '0'], echo)
  const port = await eventually('it says where', () => /localhost:(\d+)\//.exec(ran.out())?.[1])
  t.match(ran.out(), 'kubectl create token NAME -n tidewaiter --audience tidewaiter')
  const socket = connect(Number(port), '127.0.0.1')
  t.teardown(() => socket.destroy())
  socket.write('hello')
  const [got] = await new Promise<unknown[]>((resolve) => socket.once('data', (...data) => resolve(data)))
  t.equal(String(got), 'hello')
  t.same(targets, [{ namespace: 'tidewaiter', pod: 'b', port: 8081 }])
  ran.stop()
  await ran.ended
  t.equal(ran.code(), 0)
})

t.test('a connection that fails is told, and the next one may do better', async (t) => {
  const ran = await run(t, [pod('a', true)], ['--port', '0'], () => Promise.reject(new Error('pod is gone')))
  const port = await eventually('it says where', () => /localhost:(\d+)\//.exec(ran.out())?.[1])
  const socket = connect(Number(port), '127.0.0.1').on('error', () => {})
  await eventually('it is told', () => ran.err().includes('failed: pod is gone') || undefined)
  await eventually('the connection is closed', () => socket.destroyed || socket.readableEnded || undefined)
  ran.stop()
  await ran.ended
})

t.test('without a pod that is ready it says what to do', async (t) => {
  const none = await run(t, [], [], async () => {})
  await none.ended
  t.equal(none.code(), 4)
  t.match(
    none.err(),
    'must have a dashboard that is ready, got none; install it with the component deploy/components/dashboard',
  )
  const unready = await run(t, [pod('a', false)], [], async () => {})
  await unready.ended
  t.match(unready.err(), 'kubectl describe pod a')
})

t.test('a port that is none is a wrong flag', async (t) => {
  const wrong = await run(t, [], ['--port', '65536'], async () => {})
  await wrong.ended
  t.equal(wrong.code(), 2)
  t.match(wrong.err(), '--port must be a port from 0 to 65535, got "65536"')
})
