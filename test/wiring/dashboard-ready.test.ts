import t from 'tap'
import { dashboardNotReady } from '../../src/wiring/dashboard-ready.ts'

const aCopy = (given: {
  readonly synced?: boolean
  readonly trouble?: string
  readonly silentMs?: number
}) => ({
  synced: () => given.synced ?? true,
  trouble: () => given.trouble,
  silentMs: () => given.silentMs ?? 0,
})
const forbidden = aCopy({ synced: false, trouble: 'answered 403', silentMs: Number.POSITIVE_INFINITY })
const reading = aCopy({ synced: false, silentMs: Number.POSITIVE_INFINITY })
const silent = aCopy({ silentMs: 181_000 })

const cases: Readonly<Record<string, readonly [readonly ReturnType<typeof aCopy>[], readonly string[]]>> = {
  'what is read': [[aCopy({}), aCopy({})], []],
  'what is still being read': [[aCopy({}), reading], ['the dashboard has not read everything yet']],
  'one that cannot be read beside others': [[aCopy({}), forbidden], []],
  'nothing that can be read': [[forbidden, forbidden], ['the dashboard can read nothing of the cluster']],
  'one that fell silent beside others': [[aCopy({}), silent], []],
  'nothing that is heard': [[silent, silent], ['the API server has not been heard for three minutes']],
}

for (const [what, [copies, reasons]] of Object.entries(cases))
  t.test(`a dashboard of ${what} is ${reasons.length === 0 ? 'ready' : 'not ready'}`, async (t) => {
    t.same(dashboardNotReady(copies), reasons)
  })
