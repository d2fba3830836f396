/** A replica whose copies have gone stale asks the API server, or refuses and says so: never "no action matches". */
import { readFileSync } from 'node:fs'
import { request } from 'node:https'
import t from 'tap'
import {
  aBackup,
  aBackupName,
  aMark,
  aName,
  act,
  anAction,
  call,
  eventually,
  hook,
  must,
  run,
  type Loose,
} from './support.ts'
import { clusterDir, leader, replicas, whole, type Replica } from './z-install.ts'

const table = 'tidewaiter_e2e'
const nft = async (text: string) => must(await run('nft', ['-f', '-'], { input: text }))
/** Drops, both ways and without a word, what a replica and the API server send each other; only on these ports, if given. */
const cutOff = ({ ip }: Replica, ports: readonly number[] = []) => {
  const [sport, dport] = ['sport', 'dport'].map((way) =>
    ports.length === 0 ? '' : `tcp ${way} { ${ports.join(', ')} }`,
  )
  // At these hooks kube-proxy has put the address of the API server in place of that of its Service.
  return nft(`add table inet ${table}
add chain inet ${table} in { type filter hook input priority 0; }
add chain inet ${table} out { type filter hook output priority 0; }
add rule inet ${table} in ip saddr ${ip} tcp dport 6443 ${sport} drop
add rule inet ${table} out ip daddr ${ip} tcp sport 6443 ${dport} drop
`)
}

/** The local ports of the TCP connections that a replica has to the API server's Service, 10.96.0.1:443. */
async function connectionsOf({ raw }: Replica): Promise<readonly number[]> {
  const id = raw.status.containerStatuses[0].containerID.replace('containerd://', '')
  const socket = `${clusterDir()}/state/containerd.sock`
  const { stdout } = must(await run('ctr', ['--address', socket, '--namespace', 'k8s.io', 'task', 'ls']))
  const [, pid] = new RegExp(`^${id}\\s+(\\d+)`, 'm').exec(stdout) ?? []
  const lines = ['tcp', 'tcp6'].flatMap((kind) =>
    readFileSync(`/proc/${pid}/net/${kind}`, 'utf8').split('\n'),
  )
  return lines.flatMap((line) => {
    // proc(5): addresses in hexadecimal, those of the machine's byte order: 0100600A is 10.96.0.1, 01BB is 443.
    const [, port] = /^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) (?:[0-9A-F]{24})?0100600A:01BB /.exec(line) ?? []
    return port === undefined ? [] : [Number.parseInt(port, 16)]
  })
}

type Said = { readonly allowed: boolean; readonly reason: string; readonly text: string }

/** Asks one replica as the API server does: by the path and authority of the registration, about a dry run. */
async function ask({ ip }: Replica, backup: Loose): Promise<Said> {
  const { body } = await call(
    'GET',
    '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/tidewaiter',
  )
  const { clientConfig } = body.webhooks.find(({ name }: Loose) => name === 'backups.tidewaiter.io')
  const review = {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: crypto.randomUUID(),
      kind: { group: 'velero.io', version: 'v1', kind: 'Backup' },
      resource: { group: 'velero.io', version: 'v1', resource: 'backups' },
      name: backup.metadata.name,
      namespace: 'velero',
      operation: 'CREATE',
      userInfo: { username: 'alice', groups: ['developers'] },
      object: { ...backup, metadata: { ...backup.metadata, uid: crypto.randomUUID() } },
      dryRun: true,
    },
  }
  const { response } = await new Promise<Loose>((resolve, reject) => {
    const sent = request(
      {
        host: ip,
        port: 9443,
        path: `${clientConfig.service.path}?timeout=30s`,
        method: 'POST',
        ca: Buffer.from(clientConfig.caBundle, 'base64').toString(),
        servername: 'tidewaiter.tidewaiter.svc',
        headers: { 'content-type': 'application/json' },
        timeout: 12_000,
        agent: false,
      },
      (answer) => {
        let text = ''
        answer.on('data', (chunk: Buffer) => (text += chunk.toString()))
        answer.on('end', () => resolve(JSON.parse(text)))
      },
    )
    sent.on('error', reject)
    sent.on('timeout', () => sent.destroy(new Error('no answer in 12 s')))
    sent.end(JSON.stringify(review))
  })
  const words = [response.status?.message ?? '', ...(response.warnings ?? [])].join('\n')
  return { allowed: response.allowed, reason: response.auditAnnotations?.reason ?? '', text: words }
}

t.test('a stale copy of the Actions is not believed', async (t) => {
  await whole()
  const cut = await leader()
  const mute = (await replicas()).find(({ name }) => name !== cut.name)
  if (mute === undefined) throw new Error('there must be two replicas')
  const { mark } = aMark()
  const backup = aBackup(aBackupName(), mark)
  for (const one of [cut, mute]) t.match(await ask(one, backup), { allowed: true, reason: 'NoActionMatches' })

  // The one loses its watches without a word, the other the API server altogether.
  t.teardown(async () => {
    await run('nft', ['delete', 'table', 'inet', table])
    await whole()
  })
  const ports = await connectionsOf(mute)
  t.ok(ports.length > 0, 'there are watches to cut')
  await cutOff(mute, ports)
  const action = aName('10-late')
  const server = await hook()
  await eventually(() => act(t, anAction(action, mark, { http: { url: server.url } })).then(() => true), {
    what: 'an Action that only the leader knows',
    ms: 60_000,
  })
  await cutOff(cut)
  const stranger = aBackup(aBackupName(), aMark().mark)

  await Promise.all([
    t.test('a replica whose watch went silent finds the Action all the same', async (t) => {
      const said = await eventually(
        async () => {
          const one = await ask(mute, backup)
          return one.reason !== 'NoActionMatches' && one.allowed && one
        },
        { ms: 110_000, everyMs: 500, what: 'the silent replica to see the Action' },
      )
      t.match(said.text, action)
    }),
    t.test('a replica that cannot ask refuses, and says why and how to get past', async (t) => {
      const said = await eventually(
        async () => {
          const one = await ask(cut, stranger)
          return !one.allowed && one
        },
        { ms: 90_000, everyMs: 500, what: 'the cut-off replica to refuse' },
      )
      t.match(
        said.text,
        /it is not known which Actions there are: the copy of them is stale, and the API server did not answer/,
      )
      t.match(said.text, 'kubectl label namespace velero tidewaiter.io/gate=off')
      for (let round = 0; round < 3; round += 1) t.match(await ask(cut, stranger), { allowed: false })
    }),
  ])

  await run('nft', ['delete', 'table', 'inet', table])
  await t.test('when the API server is back, so is the replica', async (t) => {
    const said = await eventually(
      async () => {
        const one = await ask(cut, stranger)
        return one.allowed && one
      },
      { ms: 60_000, what: 'the replica to allow again' },
    )
    t.equal(said.reason, 'NoActionMatches')
    t.match((await ask(cut, backup)).text, action, 'and it knows what was applied in between')
  })
})
