/**
 * How many questions one processor answers, what each costs, and how long an answer takes: tidewaiter beside a bare node:https twin,
 * Go's net/http and pepr, which all decide the same. usage: npm run bench -- admission [--quick]
 */
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { forgetPeak, memoryOf } from '../processes.ts'
import { table } from '../report.ts'
import { actLabel, startHook } from './hook.ts'
import { load, type Seen } from './load.ts'
import { cpuOf } from './quiet.ts'
import { reviewOf, sizes } from './reviews.ts'
import { ours, rivals, type Asked, type Server } from './rivals.ts'
import { inRounds, medianOf, ratioOf, type Rounds } from './rounds.ts'
import { atLeast, atMost, quick, tell, type Compared } from './section.ts'
import { inWorld, letLoadFirst } from './world.ts'

const rounds = quick ? 1 : 5
const lastsMs = quick ? 300 : 2_000
// An action takes calls to the API server, one after another.
const actingMs = quick ? 1_000 : 3_000
const actingRounds = quick ? 1 : 3
const warmMs = quick ? 200 : 700
// Until V8 has compiled what is hot: what comes first would otherwise be measured cold, and the rest warm.
const firstMs = quick ? 300 : 5_000
const pacedRate = 200
const pacedMs = quick ? 1_000 : 8_000

/** What is asked of whom: the Backup decides whether an action is to be done for it. */
const questions: readonly { readonly name: string; readonly asked: Asked; readonly acts: boolean }[] = [
  { name: 'mutate', asked: 'mutate', acts: false },
  { name: 'validate', asked: 'validate', acts: false },
  { name: 'validate, one action', asked: 'validate', acts: true },
]

type Size = keyof typeof sizes
const bySize: readonly Size[] = [3, 8, 24]

type Measured = {
  readonly perSecond: number
  readonly cpuUs: number
  readonly p50: number
  readonly p99: number
}

/** Allowed as it is, or the comparison says nothing. */
function sameDecision({ answer }: Seen, server: Server): void {
  const { response } = answer as { readonly response?: { allowed?: unknown; patch?: unknown } }
  const patch: readonly { readonly path: string }[] = JSON.parse(
    Buffer.from(String(response?.patch ?? ''), 'base64').toString() || '[]',
  )
  const changes = patch.filter(({ path }) => server.marks === undefined || !path.startsWith(server.marks))
  if (response?.allowed === true && changes.length === 0) return
  throw new Error(`${server.name} must allow it as it is, said ${JSON.stringify(answer).slice(0, 2_000)}`)
}

/** The most memory that each had in its turns, MiB. */
const peak = {
  of: new Map<string, number>(),
  forget: (server: Server) => forgetPeak(server),
  note(server: Server): void {
    this.of.set(server.name, Math.max(this.of.get(server.name) ?? 0, memoryOf(server, 'VmHWM')))
  },
}

async function turn(
  server: Server,
  url: string,
  body: string,
  { rate = 0, ms = lastsMs } = {},
): Promise<Measured> {
  await load({ url, body, warmMs: 1, lastsMs: warmMs, rate })
  peak.forget(server)
  const before = cpuOf(server.pid)
  const seen = await load({ url, body, warmMs: 1, lastsMs: rate === 0 ? ms : pacedMs, rate })
  if (seen.failures + seen.eofs > 0) throw new Error(`${server.name}: ${seen.failure}`)
  sameDecision(seen, server)
  peak.note(server)
  const perSecond = seen.requests / seen.seconds
  const cpuUs = ((cpuOf(server.pid) - before) * 1e6) / seen.requests
  return { perSecond, cpuUs, p50: seen.p50, p99: seen.p99 }
}

const bare = 'bare node:https'
const own = 'tidewaiter'
const goals: Readonly<Record<Size, { bare: number; map: number }>> = {
  3: { bare: 0.8, map: 1 },
  8: { bare: 0.8, map: 1.4 },
  24: { bare: 0.85, map: 1.4 },
}

await inWorld(async (world) => {
  const hook = await startHook(world)
  const service = await ours(world, hook)
  const servers: readonly Server[] = [service, ...(await rivals(world, hook))]
  const names = servers.map(({ name }) => name)
  const named = (name: string) => servers.find((one) => one.name === name) ?? service
  const pidsOf = (name: string) => [named(name).pid, world.cluster.child.pid ?? 0]
  const bodyOf = (size: Size, acts = false): string => {
    const file = join(world.folder, `${size}-${acts}.json`)
    if (!existsSync(file)) writeFileSync(file, reviewOf(sizes[size], acts ? actLabel : {}))
    return file
  }
  const compared: Compared[] = []
  const disturbed = { again: 0, left: 0 }
  const inTurn = async (
    turnOf: (server: Server) => Promise<Measured>,
    times = rounds,
  ): Promise<Rounds<Measured>> => {
    const found = await inRounds(times, names, pidsOf, (name) => turnOf(named(name)))
    disturbed.again += found.again
    disturbed.left += found.disturbed
    return found
  }
  const restMb = new Map(servers.map((server) => [server.name, memoryOf(server)]))
  for (const server of servers) {
    console.error(`${server.name} is warmed up ...`)
    for (const { asked, acts } of questions)
      await load({ url: server.urlOf(asked), body: bodyOf(8, acts), warmMs: 1, lastsMs: firstMs })
  }
  const rows: string[][] = []
  for (const { name: what, asked, acts } of questions)
    for (const size of quick && acts ? ([8] as const) : bySize) {
      console.error(`${what}, ${size} KB ...`)
      const found = await inTurn(
        (server) => turn(server, server.urlOf(asked), bodyOf(size, acts), { ms: acts ? actingMs : lastsMs }),
        acts ? actingRounds : rounds,
      )
      for (const name of names)
        rows.push([
          what,
          `${size} KB`,
          name,
          medianOf(found, name, 'perSecond').toFixed(0),
          `x ${ratioOf(found, name, bare, 'perSecond').toFixed(2)}`,
          medianOf(found, name, 'cpuUs').toFixed(0),
        ])
      if (asked === 'validate') continue
      const of = (name: string) => ratioOf(found, own, name, 'perSecond')
      compared.push(
        atLeast(`answers a second, ${size} KB, beside bare node:https`, goals[size].bare, of(bare)),
      )
      for (const name of names) {
        if (name === 'Go, object to map')
          compared.push(
            atLeast(`answers a second, ${size} KB, beside Go, object to map`, goals[size].map, of(name)),
          )
        if (name.startsWith('pepr'))
          compared.push(atLeast(`answers a second, ${size} KB, beside ${name}`, 4, of(name)))
      }
      if (size === 8)
        compared.push(
          atMost(
            'processor time of an 8 KB question to the mutating webhook',
            110,
            medianOf(found, own, 'cpuUs'),
            ' us',
          ),
        )
    }
  const paced: string[][] = []
  console.error(`validate, 8 KB, ${pacedRate} a second ...`)
  letLoadFirst(world)
  const calm = await inTurn((server) =>
    turn(server, server.urlOf('validate'), bodyOf(8), { rate: pacedRate }),
  )
  for (const name of names)
    paced.push([
      name,
      `${medianOf(calm, name, 'p50').toFixed(0)} us`,
      `${medianOf(calm, name, 'p99').toFixed(0)} us`,
      `x ${ratioOf(calm, name, bare, 'p99').toFixed(2)}`,
      `${medianOf(calm, name, 'cpuUs').toFixed(0)} us`,
    ])
  compared.push(
    atMost(`p99 at ${pacedRate} a second, beside bare node:https`, 1.25, ratioOf(calm, own, bare, 'p99')),
    atMost('memory under load, webhook and controller', 150, peak.of.get(own) ?? Number.NaN, ' MB'),
  )
  const lost = (await service.lost?.()) ?? 0
  if (lost > 0)
    throw new Error(`${lost} decisions were not recorded: what was measured is not what is promised`)
  tell({
    title: 'Admission: one processor, HTTP/1.1 over TLS 1.3, 16 connections',
    text: [
      `${rounds} rounds of ${lastsMs / 1000} s for each server in turn (${actingRounds} of ${actingMs / 1000} s with an action); medians, and medians of the ratios to bare node:https of the same round.`,
      disturbed.left > 0
        ? `**This machine cannot measure: others took more than they should in ${disturbed.left} turns that count (${disturbed.again} were taken again).**`
        : `${disturbed.again} turns were taken again because others used the machine.`,
      '',
      table(['asked', 'size', 'server', 'answers/s', 'beside bare', 'CPU us/answer'], rows),
      '',
      `At ${pacedRate} a second (validate, 8 KB, ${pacedMs / 1000} s a turn; the API server gives way to the load generator, nice 19):`,
      '',
      table(['server', 'p50', 'p99', 'p99 beside bare', 'CPU/answer'], paced),
      '',
      `An action is a POST to a server that answers at once. The others do it and answer; tidewaiter asks whether the name is taken, claims it, and`,
      'writes an ActionRun before and after the call, so that what is done is on record whatever dies: calls to the API server, which shares the processor',
      'of the load generator.',
      '',
      'Memory (tidewaiter: webhook and controller), before the first question and at most while it was asked:',
      '',
      table(
        ['server', 'at rest', 'at most'],
        names.map((name) => [
          name,
          `${restMb.get(name)?.toFixed(0)} MB`,
          `${peak.of.get(name)?.toFixed(0)} MB`,
        ]),
      ),
    ].join('\n'),
    goals: compared,
  })
})
