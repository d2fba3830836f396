/** `tidewaiter serve` beside `tidewaiter sandbox --only-cluster`, each a process of its own, as docs/sandbox.md says. */
import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { eventually } from '../support/asking.ts'
import { ask, launch, send, start, told } from '../support/command.ts'
import { freePort } from '../support/free-port.ts'

const backups = '/apis/velero.io/v1/namespaces/velero/backups'

/** A server that refuses whatever it is asked, and counts. */
async function startRefuser(t: Test): Promise<{ readonly url: string; readonly calls: () => number }> {
  let calls = 0
  const server = createHttpServer((incoming, response) => {
    calls += 1
    incoming.resume()
    response.writeHead(503).end('not today')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, calls: () => calls }
}

const registrations = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations'

t.test('serve runs beside a sandbox that is only a cluster, and leaves it as it was', async (t) => {
  const dir = join(t.testdir(), 'box')
  const admin = join(dir, 'kubeconfig')
  const cluster = start(t, '--dir', dir, '--only-cluster')
  await told(cluster, 'tidewaiter serve --kubeconfig')
  t.same((await ask(t, admin, registrations)).body.items, [], 'the sandbox registers nothing itself')
  const at = `127.0.0.1:${await freePort()}`
  const given = { kubeconfig: join(dir, 'tidewaiter.kubeconfig'), listen: at, 'webhook-url': `https://${at}` }
  const flags = Object.entries({ ...given, 'metrics-listen': '127.0.0.1:0', 'drain-seconds': '0' })
  const service = launch(t, ['serve', ...flags.flatMap(([flag, value]) => [`--${flag}`, value])], {
    TIDEWAITER_LISTNE: ':1',
  })
  await told(service, 'tidewaiter runs')
  t.match(service.out(), /"level":"warn".*TIDEWAITER_LISTNE is no setting.*did you mean TIDEWAITER_LISTEN\?/)
  const refuser = await startRefuser(t)
  const action = {
    apiVersion: 'tidewaiter.io/v1beta1',
    kind: 'Action',
    metadata: { name: '10-no', namespace: 'velero' },
    spec: { stage: 'PreBackup', http: { url: refuser.url } },
  }
  const actions = '/apis/tidewaiter.io/v1beta1/namespaces/velero/actions'
  await eventually('its webhooks answer', async () => {
    const { status } = await send(t, { kubeconfig: admin, method: 'POST', path: actions, body: action })
    return status === 201 || undefined
  })
  const backup = { apiVersion: 'velero.io/v1', kind: 'Backup', metadata: { name: 'b1', namespace: 'velero' } }
  const refused = await eventually('the Action is known', async () => {
    const body = { ...backup, metadata: { namespace: 'velero', generateName: 'b-' }, spec: {} }
    const answer = await send(t, { kubeconfig: admin, method: 'POST', path: backups, body })
    return answer.status === 201 ? undefined : answer
  })
  t.match(refused, { status: 403, body: { message: /tidewaiter refused Backup .*503 "not today"/ } })
  t.ok(refuser.calls() >= 1)
  service.interrupt()
  t.equal(await service.ended, 0, service.err())
  t.same((await ask(t, admin, registrations)).body.items, [], 'a clean stop takes the registrations away')
  t.equal(
    (await send(t, { kubeconfig: admin, method: 'POST', path: backups, body: { ...backup, spec: {} } }))
      .status,
    201,
  )
})
