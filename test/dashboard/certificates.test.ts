/** The page about the system: when the certificates of the webhook end, turn, and which of them callers meet. */
import t from 'tap'
import { newYear } from '../support/fake-clock.ts'
import { whenThorough } from '../support/runs.ts'
import { aDashboard, get } from './support.ts'

const day = 86_400_000
const told = {
  serving: {
    fingerprint: 'AA:01',
    names: ['tidewaiter.svc'],
    until: newYear + 300 * day,
    turns: newYear + 180 * day,
  },
  authorities: [
    { fingerprint: 'CA:02', names: [], until: newYear + 3000 * day, turns: newYear + 2000 * day },
    { fingerprint: 'CA:01', names: [], until: newYear + 20 * day, turns: undefined },
  ],
}

/** The rows of the table, as text. */
async function rows(t: Parameters<typeof aDashboard>[0], system: object) {
  const plain = { version: 'v', replica: 'one', cluster: 'c', startedAt: 0 }
  const nothing = { lease: async () => ({}), served: async () => ({ certificates: [], connections: 0 }) }
  const { body } = await get(await aDashboard(t, { system: { ...plain, ...nothing, ...system } }), '/system')
  const part = /<h2>Certificates of the webhook<\/h2>(.*?)<\/section>/s.exec(body)?.[1] ?? ''
  const text = (html: string) =>
    html
      .replaceAll(/<[^>]*>/g, ' ')
      .replaceAll(/\s+/g, ' ')
      .trim()
  return { all: text(part), rows: (part.split('<tbody')[1] ?? '').split('</tr>').slice(0, -1).map(text) }
}

const met = (fingerprint: string, connections: number) => ({
  fingerprint,
  until: newYear + 300 * day,
  connections,
})

t.test('each certificate is told with its end, its renewal, and how many callers met it', async (t) => {
  const found = await rows(t, {
    lease: async () => ({ leader: 'a', certificates: told }),
    served: async () => ({ certificates: [met('AA:01', 8)], connections: 8 }),
  })
  t.match(found.rows, [
    /Served ✓ Good in 300 days in 180 days 8 of 8 tidewaiter.svc aa01/,
    /Trusted ✓ Good in 3000 days in 2000 days –/,
    /Trusted ! Ends soon in 20 days not any more –/,
  ])
  t.notMatch(found.all, 'Not every replica')
})

t.test(
  'a replica that serves another one, and a webhook that does not answer, are said',
  whenThorough,
  async (t) => {
    const differ = await rows(t, {
      lease: async () => ({ certificates: told }),
      served: async () => ({ certificates: [met('AA:01', 5), met('BB:03', 3)], connections: 8 }),
    })
    t.match(differ.all, 'Not every replica serves the certificate of the leader')
    t.match(differ.rows[1], /Served ✓ Good in 300 days – 3 of 8 ! Not by the leader bb03/)
    const away = await rows(t, {
      lease: async () => ({ certificates: told }),
      served: async () => ({ certificates: [], connections: 8, trouble: 'connect ECONNREFUSED' }),
    })
    t.match(away.all, 'The webhook could not be called: connect ECONNREFUSED')
    t.match((await rows(t, {})).all, 'Nothing is known of them')
  },
)

t.test('a Lease that cannot be read hides nothing of what callers met', async (t) => {
  const found = await rows(t, {
    lease: () => Promise.reject(new Error('no')),
    served: async () => ({ certificates: [met('AA:01', 8)], connections: 8 }),
  })
  t.match(found.rows, [/Served ✓ Good in 300 days .* 8 of 8/])
})
