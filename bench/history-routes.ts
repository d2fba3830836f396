/**
 * How fast the dashboard answers over a history of a million decisions while 50 more are written each second: its own process, asked over
 * HTTP with a session, rights asked of the API server (of the sandbox, a process too), decisions coming by the watch, pages packed, five
 * streams of events open. Every page, every filter, exports, and what an export that is read slowly does to the rest.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { exported, exportedSlowly } from './history-exports.ts'
import {
  type Answer,
  lookerOf,
  signIn,
  startCluster,
  startDashboard,
  tokenOf,
  type Looker,
} from './history-dashboard.ts'
import { decisionOf, randomOf } from './history-decisions.ts'
import { all, goals, loaded, path, quick } from './history-file.ts'
import { filtersOf } from './history-filters.ts'
import { startWrites } from './history-writes.ts'
import { machine, median, quantile, table } from './report.ts'

const times = quick ? 8 : 200
const newcomers = quick ? 10 : 100
// One address may ask 50 times a second for long.
const everyMs = 25
const mixed = quick ? { seconds: 3, perSecond: 20 } : { seconds: 60, perSecond: 20 }

const { store, end, seconds: loadSeconds } = await loaded()
await store.close()
const random = randomOf(11)
const below = (n: number) => Math.floor(random() * n)

const ms = (value: number) => (value < 10 ? value.toFixed(1) : value.toFixed(0))
const rows: string[][] = []
let over = 0
// What is not answered well is counted as never answered.
const failures: string[] = []
function report(
  name: string,
  took: readonly number[],
  { goal, bytes }: { readonly goal: number; readonly bytes: number },
) {
  const p99 = quantile(took, 0.99)
  if (p99 >= goal) over++
  const cells = [median(took), p99, Math.max(...took)].map(ms)
  rows.push([name, ...cells, `< ${goal}`, p99 < goal ? 'yes' : 'NO', (bytes / 1024).toFixed(1)])
}

type Question = {
  readonly name: string
  readonly goal: number
  readonly of: () => string
  readonly looker?: Looker
}

const cluster = await startCluster()
try {
  const dashboard = await startDashboard(cluster, path)
  await dashboard.ready()
  const cookieOf = async (account: string) => ({
    cookie: await signIn(dashboard, await tokenOf(cluster, 'velero', account)),
  })
  const [cookie, ofLab] = [await cookieOf('all'), await cookieOf('lab')]
  const looker = lookerOf(cluster, dashboard, cookie)
  const lab = lookerOf(cluster, dashboard, ofLab)
  for (let i = 0; i < 5; i++) {
    const events = await lookerOf(cluster, dashboard, i < 3 ? cookie : ofLab).open('/api/v1/stream')
    events.body.on('error', () => {}).resume()
  }
  const writes = startWrites(cluster)

  const page = async (to: string): Promise<string> => {
    const { status, text } = await looker.get(to)
    if (status !== 200) throw new Error(`${to} must be shown, got ${status}: ${text().slice(0, 2000)}`)
    return text()
  }
  const places: string[] = []
  for (let i = 0; i < 20; i++) {
    const to = new Date(end - random() * 89 * 864e5).toISOString()
    const [, cursor] = /cursor=(o[0-9a-z]+)/.exec(await page(`/decisions?size=200&to=${to}`)) ?? []
    if (cursor === undefined) throw new Error(`the page before ${to} must lead on`)
    places.push(cursor)
    await sleep(everyMs)
  }
  const place = () => places[below(places.length)] ?? ''
  const someBackups = [...(await page('/backups')).matchAll(/href="(\/backups\/[^"?]+)/g)].map(
    ([, to]) => to ?? '',
  )
  const [, before = ''] = /before=([^"&]+)/.exec(await page('/backups')) ?? []
  if (someBackups.length === 0 || before === '')
    throw new Error('there must be Backups, on more than one page')
  const someRecord = () => decisionOf(below(all), { all, end })
  const someObject = () => {
    const { last } = someRecord().status
    return { name: last.name, uid: last.uid ?? '' }
  }

  const pagesOf = (
    who: string,
    one: Looker,
    more: Readonly<Record<string, () => string>>,
  ): readonly Question[] =>
    Object.entries<() => string>({
      overview: () => '/',
      'decisions, the newest 50': () => '/decisions',
      ...more,
    }).map(([name, of]) => ({ name: `${name}${who}`, goal: goals.page, of, looker: one }))
  const urlOf = (filter: Readonly<Record<string, unknown>>) => {
    const { namespace, text, from, to, ...rest } = filter
    const iso = (time: unknown) => (typeof time === 'number' ? new Date(time).toISOString() : undefined)
    const pairs = Object.entries({ ...rest, ns: namespace, q: text, from: iso(from), to: iso(to) })
    const given = pairs.flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]))
    return `/decisions?${new URLSearchParams(given).toString()}`
  }
  const filters = filtersOf({ random, end, some: someObject })
  const filtersFor = (who: string, one: Looker): readonly Question[] =>
    Object.entries(filters).map(([name, filter]) => ({
      name: `filter: ${name}${who}`,
      goal: goals.filter,
      of: () => urlOf(filter()),
      looker: one,
    }))
  const questions: readonly Question[] = [
    ...pagesOf('', looker, {
      'decisions, the newest 200': () => '/decisions?size=200',
      'decisions anywhere, older, 200': () => `/decisions?size=200&cursor=${place()}`,
      'decisions anywhere, newer, 200': () => `/decisions?size=200&cursor=${place().replace('o', 'n')}`,
      'decisions of a filter, anywhere': () => `/decisions?verdict=Refused&cursor=${place()}`,
      'the oldest page': () => '/decisions?cursor=n0',
      'one decision': () => `/decisions/${someRecord().metadata.uid}`,
      'one decision, JSON': () => `/api/v1/decisions/${someRecord().metadata.uid}`,
      backups: () => '/backups',
      'backups, filtered': () => `/backups?q=shop-${below(60)}-`,
      'backups, the second page': () => `/backups?before=${before}`,
      'one Backup': () => someBackups[below(someBackups.length)] ?? '',
      restores: () => '/restores',
      actions: () => '/actions',
      plugins: () => '/plugins',
      system: () => '/system',
    }),
    ...filtersFor('', looker),
    ...pagesOf(', one of 4 namespaces in sight', lab, {
      'decisions anywhere, older, 200': () => `/decisions?size=200&cursor=${place()}`,
    }),
    ...filtersFor(', one of 4 namespaces in sight', lab),
  ]

  const ask = async ({ name, of, looker: one = looker }: Question): Promise<Answer> => {
    const to = of()
    const answer = await one.get(to)
    if (answer.status === 200) return answer
    failures.push(`${name}: ${to} was answered ${answer.status}`)
    return { ...answer, ms: Number.POSITIVE_INFINITY }
  }
  await dashboard.loop()
  for (const question of questions) {
    const answers = []
    for (let i = 0; i < times; i++) {
      const due = sleep(everyMs)
      answers.push(await ask(question))
      await due
    }
    report(
      question.name,
      answers.map((one) => one.ms),
      { goal: question.goal, bytes: Math.max(...answers.map((one) => one.bytes)) },
    )
  }

  // Nobody has asked whose these tokens are, nor what their users may see.
  const first = []
  for (let i = 0; i < newcomers; i++) {
    const authorization = `Bearer ${await tokenOf(cluster, 'newcomers', `new-${i}`)}`
    first.push(
      await ask({
        name: 'newcomer',
        goal: 0,
        of: () => '/',
        looker: lookerOf(cluster, dashboard, { authorization }),
      }),
    )
  }
  report(
    'overview, for people who were not here before',
    first.map((one) => one.ms),
    { goal: goals.page, bytes: first[0]?.bytes ?? 0 },
  )

  // Many at once: whoever comes does not wait until others have their answers.
  const ten = (headers: { readonly cookie: string }) =>
    Array.from({ length: 10 }, () => lookerOf(cluster, dashboard, headers))
  const [crowd, crowdOfLab] = [ten(cookie), ten(ofLab)]
  const asked: Promise<{ readonly goal: number; readonly ms: number; readonly bytes: number }>[] = []
  for (let i = 0; i < mixed.seconds * mixed.perSecond; i++) {
    const question = questions[below(questions.length)]
    const one = (question?.looker === lab ? crowdOfLab : crowd)[i % 10]
    if (question === undefined || one === undefined) continue
    const began = performance.now()
    const answer = ask({ ...question, looker: one })
    asked.push(
      answer.then(({ ms: own, bytes }) => ({
        goal: question.goal,
        ms: Math.max(own, performance.now() - began),
        bytes,
      })),
    )
    // One that fails is told of below, when all have ended.
    asked.at(-1)?.catch(() => {})
    await sleep(1000 / mixed.perSecond)
  }
  const answered = await Promise.all(asked)
  for (const [name, goal] of [
    ['pages', goals.page],
    ['filters', goals.filter],
  ] as const) {
    const of = answered.filter((one) => one.goal === goal)
    report(
      `${name}, all mixed, ${mixed.perSecond} a second`,
      of.map((one) => one.ms),
      { goal, bytes: Math.max(...of.map((one) => one.bytes)) },
    )
  }

  const shown: number[] = []
  for (let i = 0; i < (quick ? 5 : 50); i++) {
    const [uid, began] = [writes.newest(), performance.now()]
    while ((await looker.get(`/api/v1/decisions/${uid}`)).status !== 200) await sleep(everyMs)
    shown.push(performance.now() - began)
    await sleep(everyMs)
  }
  const loop = await dashboard.loop()
  const memory = dashboard.memory()
  const exports = await exported({
    looker,
    dashboard,
    filters: { text: urlOf(filters['text: rare']?.() ?? {}) },
  })
  const slow = await exportedSlowly({ looker, dashboard, other: lookerOf(cluster, dashboard, cookie) })
  over += slow.over

  console.log(
    `The dashboard over ${all} decisions; ${machine()}; ${writes.rate().toFixed(0)} decisions a second written meanwhile\n`,
  )
  console.log(table(['asked', 'p50 ms', 'p99 ms', 'max ms', 'goal', 'met', 'most KiB'], rows))
  console.log(`\n${table(['export', 'first byte ms', 'seconds', 'MiB', 'most memory MiB'], exports)}`)
  console.log(`\n${slow.text}`)
  console.log(
    `\nloaded in ${loadSeconds.toFixed(0)} s; from written to shown: p50 ${ms(median(shown))} ms, p99 ${ms(quantile(shown, 0.99))} ms; ` +
      `event loop of the dashboard: p99 ${ms(loop.p99)} ms, max ${ms(loop.max)} ms; its memory before the exports ${memory.toFixed(0)} MiB`,
  )
  if (failures.length > 0) console.log(`\n${failures.join('\n')}\n${dashboard.said().slice(-3000)}`)
  await writes.stop()
} finally {
  for (const one of cluster.undo.toReversed()) await one()
}
process.exit(over === 0 ? 0 : 1)
