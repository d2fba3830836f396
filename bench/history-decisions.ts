/** Decisions as a busy cluster makes them: nightly and hourly schedules, some people, refusals in streaks. */
import { createHash } from 'node:crypto'
import type { AdmissionDecision } from '../src/api/admission-decision.ts'

const dayMs = 86_400_000
/** The namespaces of the decisions, the busiest first. */
export const namespaces = ['velero', 'velero-eu', 'velero-edge', 'velero-lab']
const reasons = ['ActionFailed', 'ActionTimedOut', 'Exclusive', 'CoolingDown', 'NotAdopted', 'MatchFailed']
const words = [
  'replica lag',
  'lock held by',
  'permission denied for',
  'no space left on',
  'connection reset by',
]

/** How many schedules and people there are. */
export const schedules = 60
/** How many people there are. */
export const people = 200

/** Numbers from 0 to 1, without 1. */
export type Random = () => number

/** The same numbers at every run. */
export function randomOf(seed: number): Random {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** The nth decision of `all`, spread over 90 days before `end`. */
export function decisionOf(
  n: number,
  { all, end }: { readonly all: number; readonly end: number },
): AdmissionDecision {
  const random = randomOf(n + 1)
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() ** 2 * list.length)] as T
  const hash = (text: string) => createHash('sha256').update(`${n} ${text}`).digest('hex')
  const uuid = (text: string) => hash(text).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5')
  const time = new Date(end - 90 * dayMs * (1 - n / all) + random() * 10_000)
  const verdict = pick(['Allowed', 'Allowed', 'Allowed', 'Refused', 'Error'] as const)
  const kind = pick(['Backup', 'Restore', 'Action', 'Deployment'])
  const schedule = `shop-${Math.floor(random() * schedules)}-nightly`
  const name = `${schedule}-${time.toISOString().replaceAll(/\D/g, '').slice(0, 14)}`
  const action = `${10 * Math.floor(random() * 9)}-quiesce-shop`
  const said = `${pick(words)} node ${Math.floor(random() * 4000)}`
  const event = {
    seq: n + 1,
    time: time.toISOString(),
    request: uuid('request'),
    uid: uuid('object'),
    name,
    milliseconds: Math.floor(random() ** 6 * 28_000) + 3,
    warnings: 1,
    patches: 0,
    run: `${name.slice(0, 40)}-${uuid('object').slice(0, 8)}-prebackup`,
    digest: hash('digest'),
    chain: hash('chain'),
    ...(verdict === 'Allowed'
      ? {}
      : {
          message: `tidewaiter refused ${kind} velero/${name}: PreBackup action "${action}" failed after 2 attempts in 1.4 s: POST https://quiesce.shop/freeze answered 503 "${said}". The Backup was not created. Fix the cause or skip it with the annotation ${action}/prebackup=skip (needs the verb skip on actions).`,
        }),
  }
  const count = random() < 0.1 ? 1 + Math.floor(random() * 40) : 1
  return {
    metadata: {
      name: `${schedule}-${verdict.toLowerCase()}-${hash('name').slice(0, 12)}`,
      namespace: pick(namespaces),
      uid: uuid('record'),
      resourceVersion: String(n + 1),
      creationTimestamp: time.toISOString(),
    },
    spec: {
      replica: `tidewaiter-7d9c8b6f5-${n % 2 === 0 ? 'x2x4q' : 'k8s7v'}-1a2b3c4d`,
      webhook: 'backups',
      operation: 'CREATE',
      apiGroup: 'velero.io',
      kind,
      schedule,
      verdict,
      reason: verdict === 'Allowed' ? 'ActionsSucceeded' : pick(reasons),
      ...(verdict === 'Allowed' ? {} : { action }),
      user:
        random() < 0.7
          ? 'system:serviceaccount:velero:velero'
          : `person-${Math.floor(random() * people)}@example.com`,
      key: hash('key').slice(0, 43),
    },
    status: {
      count,
      first: event,
      last: event,
      seqs: count === 1 ? String(n + 1) : `${n + 1}-${n + count}`,
      groups: ['system:serviceaccounts', 'system:serviceaccounts:velero', 'system:authenticated'],
      considered: [
        { action, stage: 'PreBackup', found: 'Matched' },
        {
          action: '90-notify',
          stage: 'PreBackup',
          found: 'NotMatched',
          because: 'its scheduleNames do not name the Schedule',
        },
      ],
      calls: [
        {
          action,
          phase: 'Succeeded',
          attempts: 1,
          request: 'POST https://quiesce.shop/freeze',
          answer: '200',
        },
      ],
      chain: { since: time.toISOString(), seq: n + 1, chain: hash('chain') },
      signature: hash('signature') + hash('more').slice(0, 22),
    },
  }
}
