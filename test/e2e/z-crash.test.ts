/**
 * Replicas are killed without warning at fifty moments, drawn by a seed, while Backups with pre, held, post and undo actions are under
 * way. In the end each Backup, its records and what its actions did agree. TIDEWAITER_CRASH_SEED draws the same moments again.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import {
  act,
  aBackup,
  aMark,
  aName,
  anAction,
  call,
  eventually,
  find,
  hook,
  kubectl,
  list,
  must,
  runsOf,
  type Call,
  type Hook,
  type Loose,
} from './support.ts'
import { wrongs, type Story } from './z-crash-story.ts'
import { holder, killHard, ownNamespace, replicas, whole, type Replica } from './z-install.ts'

// Longer than the runner gives a file: a slow machine has time for all of it.
t.setTimeout(660_000)

const kills = 50
// About four minutes together; where pods start slowly, killing fifty of them takes longer.
const killingMs = 360_000
const settlingMs = 150_000
const seed = Number(process.env['TIDEWAITER_CRASH_SEED'] ?? Date.now() % 1_000_000)
const backups = '/apis/velero.io/v1/namespaces/velero/backups'

/** Numbers from a seed: mulberry32. */
function seeded(from: number): () => number {
  let state = from
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let n = Math.imul(state ^ (state >>> 15), 1 | state)
    n = (n + Math.imul(n ^ (n >>> 7), 61 | n)) ^ n
    return ((n ^ (n >>> 14)) >>> 0) / 4294967296
  }
}

/** Backups one after another, of one kind, with Actions, and so exclusive keys, of their own. */
type Lane = { readonly mark: string; readonly server: Hook; readonly names: string[] }

/** In a held lane the controller performs the pre actions; in a refused one the second of them says no, and the first is undone. */
async function lane(kind: { readonly held?: boolean; readonly refused?: boolean }): Promise<Lane> {
  const { mark } = aMark()
  // What runs inside a request is over with it: it lasts longer, to be met in the middle.
  const delayMs = kind.held === true ? 400 : 1_500
  const [server, no] = [await hook({ delayMs }), await hook({ status: 409, delayMs: 200 })]
  const http = { url: server.url }
  // Together they have time inside a request: else they would be held.
  const spec = kind.held === true ? { timeoutSeconds: 20, mode: 'Hold' } : { timeoutSeconds: 8 }
  const post = { stage: 'PostBackup', timeoutSeconds: 20, http }
  const check = kind.refused === true ? no : server
  await act(
    t,
    anAction(aName('10-freeze'), mark, { ...spec, http, undo: { http } }),
    anAction(aName('20-check'), mark, { ...spec, http: { url: check.url } }),
    anAction(aName('80-thaw'), mark, post),
    anAction(aName('90-once'), mark, { ...post, idempotent: false }),
  )
  return { mark, server: both(server, no), names: [] }
}

const both = (one: Hook, other: Hook): Hook => ({
  ...one,
  calls: async () => [...(await one.calls()), ...(await other.calls())],
})

const settled = ({ status }: Loose): boolean =>
  status?.completionTimestamp !== undefined && status.phase !== 'Undoing'

/** Creates one after another until it is stopped; one that lasts is left to itself after a while. */
async function keepBacking({ mark, names }: Lane, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    const name = aName('b')
    names.push(name)
    const { status } = await call('POST', backups, { body: aBackup(name, mark) }).catch(() => ({ status: 0 }))
    const isOver = async () => {
      const runs = await runsOf('backup', name)
      return over.aborted || (runs.length === 2 && runs.every(settled))
    }
    if (status === 201) await eventually(isOver, { ms: 40_000, what: name }).catch(() => undefined)
    await sleep(300)
  }
}

type Kind = 'inline' | 'held' | 'post' | 'undo'
const kindOf = ({ spec, status }: Loose): Kind => {
  if (status.phase === 'Undoing') return 'undo'
  if (spec.stage === 'PostBackup') return 'post'
  return spec.held === true ? 'held' : 'inline'
}

/** What each replica performs at this moment. */
async function atWork(): Promise<readonly { readonly kind: Kind; readonly owner: string }[]> {
  const runs = (await list('actionrun')).filter(({ status }) =>
    ['Running', 'Undoing'].includes(status?.phase),
  )
  return runs.map((run) => ({ kind: kindOf(run), owner: String(run.status.owner) }))
}

const startedAt = ({ raw }: Replica): number =>
  Date.parse(raw.status.containerStatuses?.[0]?.state?.running?.startedAt ?? '')

type Victim = { readonly victim: Replica; readonly doing: readonly Kind[] }
type Hits = Record<Kind, number>
const enough = 2

/**
 * Who is in the middle of something. The leader only in what was not hit often, and where nobody leads the one that has waited longest:
 * another leads no sooner than a Lease has run out, so else nobody ever would.
 */
async function busyOne(hits: Hits, random: () => number): Promise<Victim | undefined> {
  const { spared, others, doing } = await scene()
  if (spared !== undefined && doing(spared).some((kind) => hits[kind] < enough))
    return { victim: spared, doing: doing(spared) }
  const busy = others.filter((one) => doing(one).length > 0)
  const victim = busy[Math.floor(random() * busy.length)]
  return victim === undefined ? undefined : { victim, doing: doing(victim) }
}

/** Anybody but the leader, and but one that answers: also one that only just begins. */
async function anyOne(random: () => number): Promise<Victim | undefined> {
  const { others } = await scene()
  const [, ...rest] = others.toSorted((one, other) => Number(other.ready) - Number(one.ready))
  const victim = rest[Math.floor(random() * rest.length)]
  return victim === undefined ? undefined : { victim, doing: [] }
}

/** The leader, or the next one; who else lives; and what each does. */
async function scene() {
  const [all, lead, work] = await Promise.all([replicas(), holder(), atWork()])
  const alive = all
    .filter((one) => Number.isFinite(startedAt(one)))
    .sort((one, other) => startedAt(one) - startedAt(other))
  const leads = alive.find((one) => lead.startsWith(`${one.name}-`))
  const spared = leads ?? alive.find(({ ready }) => ready) ?? alive[0]
  const doing = (one: Replica) =>
    work.filter(({ owner }) => owner.startsWith(`${one.name}-`)).map(({ kind }) => kind)
  return { spared, others: alive.filter((one) => one !== spared), doing }
}

/** The pod goes with its process: a container that dies again and again is restarted later and later. */
async function killed(victim: Replica): Promise<boolean> {
  const isDead = await killHard(victim).then(
    () => true,
    () => false,
  )
  await call('DELETE', `/api/v1/namespaces/${ownNamespace}/pods/${victim.name}?gracePeriodSeconds=0`)
  return isDead
}

async function killAll(): Promise<Hits & { readonly all: number; readonly seconds: number }> {
  const random = seeded(seed)
  const hits: Hits = { inline: 0, held: 0, post: 0, undo: 0 }
  const began = Date.now()
  let all = 0
  while (all < kills && Date.now() - began < killingMs) {
    await sleep(random() * 1_000)
    const look = () => busyOne(hits, random).catch(() => undefined)
    const chosen = await eventually(look, { ms: 1_500, what: 'one that is busy' }).catch(() => anyOne(random))
    if (chosen === undefined) continue
    await sleep(random() * 300)
    if (!(await killed(chosen.victim))) continue
    all += 1
    for (const kind of new Set(chosen.doing)) hits[kind] += 1
  }
  return { ...hits, all, seconds: (Date.now() - began) / 1000 }
}

/** Every Backup of a lane with its calls, and what is wrong. */
async function judged({ names, server }: Lane): Promise<{
  readonly stories: readonly Story[]
  readonly said: readonly string[]
}> {
  const calls = Map.groupBy(await server.calls(), uidOf)
  const stories = await Promise.all(
    names.map(async (name) => {
      const [object, runs] = await Promise.all([find('backup', name), runsOf('backup', name)])
      const uid = object?.metadata.uid ?? runs[0]?.spec.objectRef.uid ?? 'none'
      return { name, uid, object, runs, calls: calls.get(uid) ?? [] }
    }),
  )
  for (const { uid } of stories) calls.delete(uid)
  const unknown = [...calls.keys()].map((uid) => `an action was called for ${uid}, and no record says so`)
  const wrong = stories.flatMap((one) => wrongs(one).map((text) => `${one.name}: ${text}`))
  return { stories, said: [...unknown, ...wrong] }
}

const uidOf = ({ headers }: Call): string => headers['idempotency-key']?.split('/')[0] ?? ''

const scale = async (count: number) =>
  must(await kubectl(['-n', ownNamespace, 'scale', 'deployment/tidewaiter', `--replicas=${count}`]))

t.test(`${kills} kills while Backups are under way: what is recorded and what was done agree`, async (t) => {
  await whole()
  t.comment(`seed ${seed}`)
  const kinds = [{}, { refused: true }, { held: true }, { held: true, refused: true }]
  const lanes = await Promise.all([...kinds, ...kinds].map(lane))
  t.teardown(() => scale(2))
  await scale(4)
  await whole(4)
  const over = new AbortController()
  const backing = Promise.all(lanes.map((one) => keepBacking(one, over.signal)))
  const hits = await killAll().finally(() => over.abort())
  await backing
  t.comment(hits)
  t.equal(hits.all, kills)
  // Which actions they meet is chance: of each kind about one in ten (`npm run crash` meets each call of each kind).
  const middle = hits.inline + hits.held + hits.post + hits.undo
  t.ok(middle >= 3, `kills in the middle of actions must be 3 at least, got ${middle}`)

  const judgedAll = () => Promise.all(lanes.map(judged))
  await eventually(async () => (await judgedAll()).every(({ said }) => said.length === 0), {
    ms: settlingMs,
    everyMs: 3_000,
    what: 'everything to come to its end',
  }).catch((error: unknown) => t.comment(String(error)))
  const all = await judgedAll()
  t.same(
    all.flatMap(({ said }) => said),
    [],
  )
  const stories = all.flatMap((one) => one.stories)
  const ran = stories.filter(({ object }) => object?.status?.phase === 'Completed').length
  const effects = stories.reduce((sum, { calls }) => sum + calls.length, 0)
  t.comment({ backups: stories.length, ran, effects })
  t.ok(ran > 5, `${ran} Backups ran`)
})
