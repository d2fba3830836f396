/**
 * Where the time of an answer goes: V8's profiles of tidewaiter and of the bare twin under the same load, by what the functions belong to.
 * usage: npm run bench -- profile [--quick]
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../processes.ts'
import { table } from '../report.ts'
import { load } from './load.ts'
import { profiled, type Profile } from './profiler.ts'
import { reviewOf, sizes } from './reviews.ts'
import { bareTwin, ours, type Asked, type Server } from './rivals.ts'
import { quick, tell } from './section.ts'
import { inWorld } from './world.ts'

const warmMs = quick ? 300 : 8_000
const lastsMs = quick ? 500 : 10_000

/** What a function belongs to: the first that fits its name and the file that it is in. */
const parts: readonly (readonly [part: string, of: RegExp])[] = [
  ['nothing', /^\(idle\)/],
  ['collecting garbage', /^\(garbage collector\)/],
  ['reading the JSON (the twin: and deciding)', /^parse .*\/admission\/parser\.|^answerTo /],
  [
    'writing the answer: TLS, TCP, waking who waits',
    /^(writeUtf8String|writeLatin1String|writev|writeBuffer) /,
  ],
  [
    'the request: its body, its time, its connection',
    /\/admission\/(asked|call|connections|fence|parser|server|timeout)\./,
  ],
  ['the question and the answer: checked, encoded', /\/admission\/(review|warnings)\./],
  ['counting (prom-client)', /\/(observe|prom-client|lean)\//],
  ['the decision', /\/dist\//],
  ['other packages', /\/node_modules\//],
  ['HTTP, streams, timers and promises of Node', / (node:|\S*bench\/speed\/bare)|^runMicrotasks/],
]

type Shares = ReadonlyMap<string, number>

/** Microseconds of an answer by part. */
function sharesOf({ nodes, samples, timeDeltas }: Profile, answers: number): Shares {
  const partOf = new Map(
    nodes.map(({ id, callFrame: { functionName, url } }) => {
      const name = `${functionName} ${url}`
      return [id, parts.find(([, of]) => of.test(name))?.[0] ?? 'the engine itself'] as const
    }),
  )
  const shares = new Map<string, number>()
  samples.forEach((id, i) => {
    const part = partOf.get(id) ?? ''
    shares.set(part, (shares.get(part) ?? 0) + (timeDeltas[i] ?? 0) / answers)
  })
  shares.delete('nothing')
  return shares
}

await inWorld(async (world) => {
  const body = join(world.folder, '3.json')
  writeFileSync(body, reviewOf(sizes[3]))
  /** Starts a server with an inspector, and looks at it under load. */
  const look = async (start: () => Promise<Server>): Promise<Readonly<Record<Asked, Shares>>> => {
    const port = await freePort()
    process.env['NODE_OPTIONS'] = `--inspect=127.0.0.1:${port}`
    const server = await start().finally(() => delete process.env['NODE_OPTIONS'])
    console.error(`${server.name} ...`)
    const of = async (asked: Asked): Promise<Shares> => {
      const url = server.urlOf(asked)
      await load({ url, body, warmMs: 1, lastsMs: warmMs })
      let answers = 0
      const profile = await profiled(port, async () => {
        const seen = await load({ url, body, warmMs: 1, lastsMs })
        if (seen.failures > 0) throw new Error(`${server.name}: ${seen.failure}`)
        answers = seen.requests
      })
      return sharesOf(profile, answers)
    }
    const mutate = await of('mutate')
    const validate = await of('validate')
    process.kill(server.pid, 'SIGKILL')
    return { mutate, validate }
  }
  const own = await look(() => ours(world))
  const bare = await look(() => bareTwin(world))
  const sum = (shares: Shares) => [...shares.values()].reduce((all, us) => all + us, 0)
  const us = (value: number) => `${value.toFixed(1)} us`
  const tableOf = (asked: Asked): string => {
    const names = [...parts.map(([part]) => part), 'the engine itself'].filter(
      (part) => own[asked].has(part) || bare[asked].has(part),
    )
    const rows = [
      ...names.map((part) => [part, own[asked].get(part) ?? 0, bare[asked].get(part) ?? 0] as const),
      ['all', sum(own[asked]), sum(bare[asked])] as const,
    ]
    return table(
      [asked, 'tidewaiter', 'bare node:https', 'more'],
      rows.map(([part, one, other]) => [part, us(one), us(other), us(one - other)]),
    )
  }
  tell({
    title: 'Where the time of an answer goes',
    text: [
      `3 KB, nothing to run, ${lastsMs / 1000} s each: V8's profile of both, by whose the function is in which the time was spent. A profile makes both slower.`,
      '',
      tableOf('mutate'),
      '',
      tableOf('validate'),
    ].join('\n'),
    goals: [],
  })
})
