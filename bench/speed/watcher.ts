/**
 * Following 50,000 Backups, and 50,000 events after that: our reflector beside a client in Go and the informer of client-node, each in
 * turn in a process of its own. usage: npm run bench -- watcher [--quick]
 */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { launch } from '../processes.ts'
import { median, table } from '../report.ts'
import type { Followed } from './followed.ts'
import { goBinary } from './go.ts'
import { mint } from './mint.ts'
import { inRounds } from './rounds.ts'
import { atLeast, atMost, quick, tell } from './section.ts'
import { cores, flagsOfImage } from './world.ts'

const count = quick ? 2_000 : 50_000
const rounds = quick ? 1 : 5
// It takes some seconds: whoever waits for what does not come ends the measurement.
const longestMs = 120_000
const run = promisify(execFile)

const folder = mkdtempSync(join(tmpdir(), 'tidewaiter-bench-'))
try {
  const { cert, key, ca } = await mint(folder)
  const flags = ['-cert', cert, '-key', key, '-count', String(count)]
  const api = launch(flags, { command: goBinary('backups') ?? '', core: cores.client })
  await api.says('listens on')
  const server = `https://${/listens on (\S+)/.exec(api.said())?.[1]}`
  const kubeconfig = join(folder, 'kubeconfig')
  const named = (what: object) => [{ name: 'bench', ...what }]
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: named({ cluster: { server, 'certificate-authority': ca } }),
      users: named({ user: { token: 'bench' } }),
      contexts: named({ context: { cluster: 'bench', user: 'bench' } }),
      'current-context': 'bench',
    }),
  )
  const node = (file: string, flags: readonly string[] = []) => [
    process.execPath,
    ...flags,
    '--expose-gc',
    file,
    server,
    kubeconfig,
    String(count),
  ]
  const followers: Readonly<Record<string, readonly string[]>> = {
    tidewaiter: node('bench/speed/follow-ours.ts', flagsOfImage()),
    Go: [goBinary('watcher') ?? '', '-server', server, '-count', String(count)],
    'client-node informer': node('bench/speed/follow-informer.ts'),
  }
  const names = Object.keys(followers)
  const found = await inRounds(
    rounds,
    names,
    () => [api.child.pid ?? 0],
    async (name) => {
      console.error(`${name} ...`)
      const { stdout } = await run('taskset', ['-c', String(cores.server), ...(followers[name] ?? [])], {
        timeout: longestMs,
        killSignal: 'SIGKILL',
      })
      return JSON.parse(stdout) as Followed
    },
  )
  api.child.kill('SIGKILL')
  const of = (name: string, what: keyof Followed) =>
    median((found.of.get(name) ?? []).map((one) => one[what]))
  const beside = (what: keyof Followed) =>
    median(
      (found.of.get('tidewaiter') ?? []).map(
        (one, i) => one[what] / (found.of.get('Go')?.[i]?.[what] ?? Number.NaN),
      ),
    )
  tell({
    title: `Following ${count} Backups and ${count} events`,
    text: [
      `${rounds} rounds, each client in turn alone on one processor; medians. ${found.again} turns were taken again, ${found.disturbed} count although others used the machine.`,
      '',
      table(
        ['client', 'all known', 'loop blocked at most', 'heap', 'memory then / in the end', 'events/s'],
        names.map((name) => [
          name,
          `${of(name, 'syncMs').toFixed(0)} ms`,
          name === 'Go' ? '' : `${of(name, 'blockMs').toFixed(0)} ms`,
          `${of(name, 'heapMb').toFixed(0)} MB`,
          `${of(name, 'rssMb').toFixed(0)} / ${of(name, 'rssEndMb').toFixed(0)} MB`,
          of(name, 'eventsPerSecond').toFixed(0),
        ]),
      ),
    ].join('\n'),
    goals: [
      atMost('until all are known, beside Go', 1, beside('syncMs')),
      atMost('heap with all known', 40, of('tidewaiter', 'heapMb'), ' MB'),
      atMost('memory with all known', 300, of('tidewaiter', 'rssMb'), ' MB'),
      atMost('event loop blocked meanwhile', 30, of('tidewaiter', 'blockMs'), ' ms'),
      atLeast('events a second', 50_000, of('tidewaiter', 'eventsPerSecond')),
      atLeast('events a second, beside Go', 1, beside('eventsPerSecond')),
    ],
  })
} finally {
  rmSync(folder, { recursive: true })
}
