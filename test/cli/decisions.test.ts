/** `decisions` against an API server: the same code answers as of a real cluster. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import t, { type Test } from 'tap'
import { callerOf, eventually } from '../support/asking.ts'
import { cli, golden, type CliSetting } from '../support/cli.ts'
import { fastClock } from '../support/fast-clock.ts'
import { madeAt, standingAt, startKept } from '../support/kept-cluster.ts'
import { aDecided, ourKey, Replica } from '../support/replicas.ts'

const hour = 3_600_000
const now = madeAt + hour
const hostile = '\u001b[2J=cmd()\nforged'

/** The records of one replica, and the lines of an audit log about them. */
function written() {
  const replica = new Replica('tidewaiter-0-1a2b3c4d')
  const lines: string[] = []
  const decide = (given: Parameters<typeof aDecided>[0]) => {
    const { annotations } = replica.ledger.take(aDecided(given))
    lines.push(
      JSON.stringify({
        kind: 'Event',
        requestReceivedTimestamp: new Date(given?.at ?? 0).toISOString(),
        annotations: Object.fromEntries(
          Object.entries(annotations).map(([key, text]) => [`backups.tidewaiter.io/${key}`, text]),
        ),
      }),
    )
  }
  for (let i = 0; i < 3; i += 1)
    decide({
      at: madeAt + i * 60_000,
      name: `nightly-${i}`,
      action: '10-freeze',
      run: `nightly-${i}-prebackup`,
      message: 'replica lag 40 s',
      considered: [
        { action: '10-freeze', stage: 'PreBackup', found: 'Matched' },
        { action: '20-x', stage: 'PreBackup', found: 'NotMatched', because: 'expression: it is false' },
      ],
      calls: [
        {
          action: '10-freeze',
          phase: 'Failed',
          attempts: 2,
          request: 'POST https://x/freeze\nIdempotency-Key: k',
          answer: '503',
        },
      ],
    })
  decide({
    at: madeAt + 30 * 60_000,
    schedule: '',
    name: 'by-hand',
    user: '=HYPERLINK("x")',
    verdict: 'Allowed',
    reason: 'ActionsSucceeded',
    message: hostile,
  })
  const bodies = replica.ledger.due(10).map((entry) => {
    const body = replica.ledger.bodyOf(entry)
    replica.ledger.stored(entry, entry.record, '1')
    return body
  })
  return { bodies, lines }
}

async function kept(t: Test) {
  const { bodies, lines } = written()
  const { api, kubeconfig } = await startKept(t, bodies)
  const log = join(t.testdir(), 'audit.log')
  writeFileSync(log, `${lines.join('\n')}\n{"half`)
  const file = kubeconfig()
  const decisions = (args: readonly string[], setting: CliSetting = {}) =>
    cli(['decisions', ...args, '--kubeconfig', file], { clock: standingAt(now), ...setting })
  const [refused] = bodies
  return { api, decisions, call: callerOf(t, api), log, name: refused!.metadata.name }
}

const collection = '/apis/tidewaiter.io/v1beta1/namespaces/velero/admissiondecisions'

t.test('list shows repeats as one line, the newest first', async (t) => {
  const { decisions, name } = await kept(t)
  const { out, err, code } = await decisions(['list'])
  t.equal(code, 0, err)
  const lines = out.split('\n')
  t.match(lines[0], /^NAME +VERDICT +KIND +OBJECT +SCHEDULE +REASON +ATTEMPTS +DURATION +LAST$/)
  t.match(
    lines[1],
    /^by-hand-allowed-[0-9a-f]{12} +Allowed +Backup +by-hand +- +ActionsSucceeded +1 +1\.4 s +30m$/,
  )
  t.match(lines[2], new RegExp(`^${name} +Refused +Backup +nightly-2 +nightly +ActionFailed +3 +1.4 s +58m$`))
})

for (const [what, { args, want }] of Object.entries({
  'a verdict in any case': { args: ['--verdict', 'refused'], want: ['nightly-refused'] },
  'a Schedule': { args: ['--schedule', 'nightly'], want: ['nightly-refused'] },
  'a reason': { args: ['--reason', 'ActionsSucceeded'], want: ['by-hand-allowed'] },
  'a user': { args: ['--user', '=HYPERLINK("x")'], want: ['by-hand-allowed'] },
  'a kind': { args: ['--kind', 'Restore'], want: [] },
  since: { args: ['--since', '40m'], want: ['by-hand-allowed'] },
  until: { args: ['--until', '45m'], want: ['nightly-refused'] },
  'a limit': { args: ['--limit', '1'], want: ['by-hand-allowed'] },
}))
  t.test(`a list can be narrowed by ${what}`, async (t) => {
    const { decisions } = await kept(t)
    const { out, err } = await decisions(['list', '-o', 'name', ...args])
    const names = out.split('\n').filter((line) => line !== '')
    t.same(
      names.map((line) => /\/(.*)-[0-9a-f]{12}$/.exec(line)?.[1]),
      want,
    )
    if (want.length === 0) t.match(err, /None of the 2 decisions in namespace velero/)
  })

const terminal = { terminals: ['stdout'], env: { LANG: 'C.UTF-8' } } as const
const outputs: Readonly<
  Record<string, { readonly args: (name: string) => readonly string[]; readonly setting?: CliSetting }>
> = {
  'decisions-list': { args: () => ['list'] },
  'decisions-list-wide': { args: () => ['list', '-o', 'wide'] },
  'decisions-list-40': { args: () => ['list', '-o', 'wide'], setting: { ...terminal, columns: 40 } },
  'decisions-list-colour': { args: () => ['list'], setting: { ...terminal, columns: 120 } },
  'decisions-list-no-colour': {
    args: () => ['list'],
    setting: { ...terminal, env: { ...terminal.env, NO_COLOR: '1' }, columns: 120 },
  },
  'decisions-show': { args: (name) => ['show', name] },
  'decisions-show-40': { args: (name) => ['show', name], setting: { ...terminal, columns: 40 } },
  'decisions-export': { args: () => ['export'] },
  'decisions-verify': { args: () => ['verify'] },
  'decisions-verify-40': { args: () => ['verify'], setting: { ...terminal, columns: 40 } },
  'decisions-verify-json': { args: () => ['verify', '-o', 'json'] },
}

t.test('every output is as its golden file, on narrow terminals too', async (t) => {
  const { decisions, name } = await kept(t)
  for (const [file, { args, setting }] of Object.entries(outputs)) {
    const { out, err } = await decisions(args(name), setting)
    t.equal(err, '', file)
    // The API server makes these up.
    golden(t, file, out.replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'RECORD-UID'))
    const widest = Math.max(...out.split('\n').map((line) => [...stripVTControlCharacters(line)].length))
    t.ok(widest <= (setting?.columns ?? widest), `${file} is not wider than its terminal`)
    if (setting?.env?.['NO_COLOR'] !== undefined || setting === undefined) t.notMatch(out, '\u001b[')
  }
})

t.test('what cannot be asked for is told, all of it', async (t) => {
  const { code, err } = await cli([
    'decisions',
    'list',
    '--verdict',
    'refuse',
    '--since',
    'x',
    '--limit',
    '0',
  ])
  t.equal(code, 2)
  t.match(err, /--verdict must be one of Allowed, Refused, Error, got "refuse": did you mean Refused\?/)
  t.match(err, /--since must be how long ago/)
  t.match(err, /--limit must be a whole number from 1, got "0"/)
})

t.test('a kind or a reason that is misspelt, and a time that begins after its end, are told', async (t) => {
  const { err, code } = await cli([
    'decisions',
    'list',
    '--kind',
    'bakcup',
    '--reason',
    'ActionFaild',
    '--since',
    '1h',
    '--until',
    '2h',
  ])
  t.equal(code, 2)
  t.match(err, /--kind must be one that there is, got "bakcup": did you mean Backup\?/)
  t.match(err, /--reason must be one that there is, got "ActionFaild": did you mean ActionFailed\?/)
  t.match(err, /--since must be before --until, got "1h" and "2h"/)
  const { decisions } = await kept(t)
  const newer = await decisions(['list', '--reason', 'ReasonOfALaterVersion'])
  t.equal(newer.code, 0, 'a later version may have reasons that are not known here')
})

t.test('show tells who asked, what matched and why not, and what was sent', async (t) => {
  const { decisions, name } = await kept(t)
  const { out, code } = await decisions(['show', name])
  t.equal(code, 0)
  for (const line of [
    /^Verdict +Refused \(ActionFailed\)$/m,
    /^Message +replica lag 40 s$/m,
    /^Action +10-freeze$/m,
    /^Run +nightly-2-prebackup$/m,
    /^Attempts +3$/m,
    /^ {2}Matched {5}PreBackup 10-freeze$/m,
    /^ {2}NotMatched {2}PreBackup 20-x: expression: it is false$/m,
    /^ {2}Action {2}10-freeze \(Failed, 2 attempts\)$/m,
    /^ {2}Sent {4}POST https:\/\/x\/freeze$/m,
    /^ {10}Idempotency-Key: k$/m,
    /^ {2}2 {2}2026-01-31T03:01:00\.000Z {2}nightly-1 {2}1\.4 s$/m,
  ])
    t.match(out, line)
})

t.test('show of what is not there says so', async (t) => {
  const { decisions } = await kept(t)
  t.match(await decisions(['show', 'nothing']), {
    code: 1,
    err: /no AdmissionDecision "nothing" in namespace velero/,
  })
  t.match(await decisions(['show']), { code: 2, err: /show wants the name of a decision, got nothing/ })
})

t.test('export gives every cell, and none that a spreadsheet would run', async (t) => {
  const { decisions } = await kept(t)
  const { out } = await decisions(['export'])
  const [head, first] = out.split('\r\n')
  t.match(head, /^last,first,verdict,reason,kind,namespace,name,schedule,attempts,action,message,user,/)
  t.match(first, /,"'=HYPERLINK\(""x""\)",1400,CREATE,/)
  t.notMatch(out, '\u001b')
  const rows = (await decisions(['export', '-o', 'ndjson'])).out.trim().split('\n')
  t.same(
    rows.map((row) => JSON.parse(row).kind),
    ['AdmissionDecision', 'AdmissionDecision'],
  )
  t.equal(JSON.parse((await decisions(['export', '-o', 'json'])).out).items.length, 2)
})

t.test('verify finds nothing wrong in what nobody touched, and says what it cannot see', async (t) => {
  const { decisions, log } = await kept(t)
  const { out, code } = await decisions(['verify'])
  t.equal(code, 0)
  t.match(out, /4 decisions in 2 records of 1 replica/)
  t.match(out, /Result +nothing was removed or changed, as far as can be seen/)
  for (const seen of ['NoEnd', 'NoAuditLog', 'AnyKey']) t.match(out, seen)
  const full = await decisions(['verify', '--audit-log', log, '--key', ourKey.key, '-o', 'json'])
  t.equal(full.code, 0)
  t.match(JSON.parse(full.out), { isIntact: true, findings: [{ code: 'NoEnd' }] })
})

t.test('verify finds a record that was changed, and one that was removed', async (t) => {
  const { decisions, call, log, name } = await kept(t)
  const { body } = await call('GET', `${collection}/${name}`)
  body.status.last.message = 'all was well'
  t.equal((await call('PUT', `${collection}/${name}`, { body })).status, 200)
  const changed = await decisions(['verify'])
  t.equal(changed.code, 1)
  t.match(changed.out, /Changed +record nightly-refused-\S+: it is not as tidewaiter wrote it/)
  await call('DELETE', `${collection}/${name}`)
  t.match(await decisions(['verify']), {
    code: 1,
    out: /Removed +replica \S+: decisions 1-3 are in no record/,
  })
  const all = (await call('GET', collection)).body.items
  for (const { metadata } of all) await call('DELETE', `${collection}/${metadata.name}`)
  t.equal((await decisions(['verify'])).code, 0, 'nothing is left to see it by')
  const logged = await decisions(['verify', '--audit-log', log])
  t.match(logged, { code: 1, out: /Missing +replica \S+: decisions 1-4 are in the audit log/ })
})

t.test('verify reads an audit log from stdin, and says which file it cannot read', async (t) => {
  const { decisions } = await kept(t)
  const { lines } = written()
  const piped = await decisions(['verify', '--audit-log', '-', '-o', 'json'], { stdin: lines.join('\n') })
  t.match(JSON.parse(piped.out), { isIntact: true, findings: [{ code: 'NoEnd' }, { code: 'AnyKey' }] })
  t.match(await decisions(['verify', '--audit-log', '/nowhere']), { code: 4, err: /got \/nowhere: ENOENT/ })
  t.match(await decisions(['verify', '--key', 'x']), { code: 2, err: /--key must be 43 characters/ })
})

async function watching(t: Test, args: readonly string[] = []) {
  const cluster = await kept(t)
  const stop = new AbortController()
  const seen = { out: '', err: '', code: -1 }
  // Waits after a break are a twentieth of a second or two.
  const clock = { ...fastClock(20), now: () => now }
  const ended = cluster.decisions(['watch', ...args], { stop: stop.signal, seen, clock })
  t.teardown(() => {
    stop.abort()
    return ended
  })
  const came = (name: string) => eventually(`${name} comes`, async () => seen.out.includes(name) || undefined)
  await came('nightly-refused')
  let made = 0
  const decide = async (schedule: string) => {
    made += 1
    const { ledger } = new Replica(`tidewaiter-${made}-5e6f7a8b`).decide({ schedule })
    const body = ledger.bodyOf(ledger.due(1)[0]!)
    t.equal((await cluster.call('POST', collection, { body })).status, 201)
    return body
  }
  return { ...cluster, seen, came, decide, ended, stop: () => stop.abort() }
}

t.test('watch shows what is there and what comes, under one head, until Ctrl-C ends it', async (t) => {
  const { seen, came, decide, ended, stop } = await watching(t)
  await decide('weekly')
  await came('weekly-refused')
  stop()
  await ended
  t.equal(seen.code, 0)
  t.equal(seen.err, '')
  const [head, ...rows] = seen.out.trimEnd().split('\n')
  t.equal(rows.length, 3)
  t.same(new Set(rows.map((row) => /^\S+ +/.exec(row)?.[0].length)), new Set([head?.indexOf('VERDICT')]))
})

t.test(
  'watch shows what came while the connection was gone and its place lost, and nothing twice',
  async (t) => {
    const { api, seen, came, decide, call } = await watching(t, ['-o', 'name'])
    const away = { match: { verb: 'watch' }, effect: { kind: 'answer', code: 500 }, times: 1000 } as const
    const back = api.faults.add(away)
    api.faults.dropWatches({})
    const { metadata, ...weekly } = await decide('weekly')
    const { name } = metadata
    const isTold = () => /watch broke off; it is begun again: .*500/.test(seen.err) || undefined
    await eventually('it says so', async () => isTold())
    api.compact()
    back()
    await came('weekly-refused')
    const { body } = await call('GET', `${collection}/${name}`)
    const counted = { ...weekly, metadata: body.metadata, status: { ...body.status, count: 2 } }
    t.equal((await call('PUT', `${collection}/${name}`, { body: counted })).status, 200)
    await eventually('its repeat comes', async () => seen.out.match(/weekly/g)?.length === 2 || undefined)
    t.equal(seen.out.match(/nightly-refused/g)?.length, 1)
    t.equal(seen.out.match(/by-hand/g)?.length, 1)
  },
)

t.test('watch of who may list and not watch ends, and says what is missing', async (t) => {
  const { api, seen, ended } = await watching(t)
  api.faults.add({ match: { verb: 'watch' }, effect: { kind: 'answer', code: 403 }, times: 100 })
  api.faults.dropWatches({})
  await ended
  t.equal(seen.code, 4)
  t.match(seen.err, /must let this user look, got: .*403/)
})
