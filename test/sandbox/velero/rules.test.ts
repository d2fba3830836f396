/** The rules of the Velero stand-in that need no server. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { mergePatch } from '../../../src/sandbox/apiserver/patch/merge-patch.ts'
import { same, type JsonObject } from '../../../src/sandbox/apiserver/json.ts'
import { touched } from '../../../src/sandbox/velero/backup-queue.ts'
import { parseCron } from '../../../src/sandbox/velero/cron.ts'
import { goDuration, parseDuration } from '../../../src/sandbox/velero/duration.ts'
import { labelName } from '../../../src/sandbox/velero/label-name.ts'
import { mergeDiff } from '../../../src/sandbox/velero/merge-diff.ts'
import { prepared } from '../../../src/sandbox/velero/prepare.ts'
import { completed } from '../../../src/sandbox/velero/restore-request.ts'
import { backupOf } from '../../../src/sandbox/velero/schedules.ts'
import { scriptOf } from '../../../src/sandbox/velero/script.ts'

const seed = 20261121
const at = (text: string): number => Date.parse(text)

t.test('the difference of two objects, merged into the one, gives the other', async (t) => {
  const noNull = fc.jsonValue({ maxDepth: 3 }).filter((value) => !JSON.stringify(value).includes('null'))
  const objects = fc.dictionary(fc.string({ maxLength: 3 }), noNull, { maxKeys: 5 })
  fc.assert(
    fc.property(objects, objects, (from, to) => {
      const [one, other] = [from as JsonObject, to as JsonObject]
      return same(mergePatch(one, mergeDiff(one, other)), other)
    }),
    { seed, numRuns: 200 },
  )
  t.same(mergeDiff({ a: { b: 1, c: 2 }, l: [1] }, { a: { b: 1, d: 3 }, l: [1] }), { a: { c: null, d: 3 } })
})
t.test('durations are written as Go writes them', async (t) => {
  const written = ['0s', '300ms', '1.5s', '20ns', '1.5µs', '59s', '1m0s', '2m0.25s', '1h0m6s', '720h0m0s']
  t.same(
    written.map((one) => goDuration(parseDuration(one) ?? -1)),
    written,
  )
})

t.test('durations are read as Go reads them', async (t) => {
  const want = {
    '1h30m': 5_400_000,
    '720h0m0s': 2_592_000_000,
    '1.5s': 1_500,
    '250ms': 250,
    '0': 0,
    '': undefined,
    '5': undefined,
    '3 s': undefined,
    '-1s': undefined,
  }
  for (const [text, ms] of Object.entries(want)) t.equal(parseDuration(text), ms, JSON.stringify(text))
})

const schedules = {
  '* * * * *': ['2026-01-01T00:00:30Z', '2026-01-01T00:01:00Z'],
  '0 1 * * *': ['2026-01-01T01:00:00Z', '2026-01-02T01:00:00Z'],
  '*/15 8-10 * * mon-fri': ['2026-01-02T10:45:00Z', '2026-01-05T08:00:00Z'],
  '0 0 13 * fri': ['2026-01-02T00:00:00Z', '2026-01-09T00:00:00Z'],
  '0 0 29 feb *': ['2026-01-01T00:00:00Z', '2028-02-29T00:00:00Z'],
  '30/10 0 * * ?': ['2026-01-01T00:40:00Z', '2026-01-01T00:50:00Z'],
  '@hourly': ['2026-01-01T00:00:01Z', '2026-01-01T01:00:00Z'],
  '@weekly': ['2026-01-01T00:00:00Z', '2026-01-04T00:00:00Z'],
  '@every 90s': ['2026-01-01T00:00:00Z', '2026-01-01T00:01:30Z'],
  'CRON_TZ=UTC 0 1 * * *': ['2026-01-01T00:00:00Z', '2026-01-01T01:00:00Z'],
} as const
for (const [text, [after, next]] of Object.entries(schedules)) {
  t.test(`after ${after}, "${text}" is next due at ${next}`, async (t) => {
    const cron = parseCron(text)
    if ('problem' in cron) throw new Error(cron.problem)
    t.equal(cron(at(after)), at(next))
  })
}

t.test('an impossible day counts as due at once, as in Velero', async (t) => {
  const cron = parseCron('0 0 31 2 *')
  t.equal('problem' in cron ? undefined : cron(at('2026-01-01T00:00:00Z')), Number.NEGATIVE_INFINITY)
})

t.test('what is no schedule is refused in the words of the library', async (t) => {
  const want = {
    '': /expected exactly 5 fields/,
    '* * * *': /expected exactly 5 fields, found 4/,
    '60 * * * *': /end of range \(60\) above maximum \(59\)/,
    '5-1 * * * *': /beyond end of range/,
    '*/0 * * * *': /step of range should be a positive number/,
    '1-2-3 * * * *': /too many hyphens/,
    '1/2/3 * * * *': /too many slashes/,
    'x * * * *': /failed to parse int/,
    '@never': /unrecognized descriptor/,
    '@every soon': /failed to parse duration/,
    'TZ=Europe/Vienna 0 1 * * *': /the sandbox knows UTC only/,
  }
  for (const [text, problem] of Object.entries(want)) t.match(parseCron(text), { problem }, text)
})

t.test('the next time is later than the last, and no text makes parsing throw', async () => {
  const field = fc.constantFrom('*', '0', '5', '1-5', '*/7', '1,2,3', 'jan', 'sun', '31', '/', '-')
  fc.assert(
    fc.property(fc.array(field, { minLength: 5, maxLength: 5 }), fc.nat(), (fields, seconds) => {
      const cron = parseCron(fields.join(' '))
      if ('problem' in cron) return
      const next = cron(seconds * 1000)
      assert.ok(next === Number.NEGATIVE_INFINITY || next > seconds * 1000)
    }),
    { seed, numRuns: 300 },
  )
  fc.assert(
    fc.property(fc.string(), (text) => void parseCron(text)),
    { seed },
  )
})

t.test('names become label values of at most 63 characters', async (t) => {
  t.equal(labelName('nightly'), 'nightly')
  t.equal(labelName('x'.repeat(64)).length, 63)
  t.not(labelName(`${'x'.repeat(63)}a`), labelName(`${'x'.repeat(63)}b`))
})

t.test('a Backup touches the namespaces that it includes and does not exclude', async (t) => {
  const all = ['default', 'shop-a', 'shop-b']
  const spec = (
    includedNamespaces: readonly string[],
    excludedNamespaces: readonly string[] = [],
  ): JsonObject => ({
    spec: { includedNamespaces, excludedNamespaces },
  })
  t.same(touched({}, all), all)
  t.same(touched(spec(['shop-*']), all), ['shop-a', 'shop-b'])
  t.same(touched(spec(['*'], ['shop-a']), all), ['default', 'shop-b'])
  t.same(touched(spec(['*p*b']), all), ['shop-b'])
  t.same(touched(spec([`${'*'.repeat(5_000)}x`]), all), [])
})

const location = { metadata: { name: 'default' }, spec: { default: true }, status: { phase: 'Available' } }
const around = {
  now: at('2026-01-01T00:00:00Z'),
  locations: [location],
  snapshotLocations: [],
  namespaces: [{ metadata: { name: 'quiet', labels: { 'velero.io/exclude-from-backup': 'true' } } }],
  version: { gitVersion: 'v1.36.3', major: '1', minor: '36' },
}
const aBackup = (spec: JsonObject = {}, status: JsonObject = {}): JsonObject => ({
  metadata: { name: 'b1', namespace: 'velero' },
  spec,
  status,
})

t.test('a Backup is prepared with defaults, marks and an expiration, and starts', async (t) => {
  const made = prepared(aBackup({ ttl: '2h0m0s' }), around)
  t.match(made, {
    metadata: {
      labels: { 'velero.io/storage-location': 'default' },
      annotations: {
        'velero.io/source-cluster-k8s-gitversion': 'v1.36.3',
        'velero.io/resource-timeout': '10m0s',
      },
    },
    spec: {
      ttl: '2h0m0s',
      storageLocation: 'default',
      includedNamespaces: ['*'],
      excludedNamespaces: ['quiet'],
      csiSnapshotTimeout: '10m0s',
      itemOperationTimeout: '4h0m0s',
    },
    status: {
      phase: 'InProgress',
      expiration: '2026-01-01T02:00:00Z',
      startTimestamp: '2026-01-01T00:00:00Z',
    },
  })
})

const faults: Readonly<Record<string, readonly [JsonObject, RegExp, JsonObject?]>> = {
  'a location that does not exist': [
    { storageLocation: 'eu' },
    /backup storage location was not specified.*eu was not found/,
  ],
  'a location that is not available': [{}, /is in Unavailable status/, { ...location, status: {} }],
  'a read-only location': [
    {},
    /read-only mode/,
    { ...location, spec: { default: true, accessMode: 'ReadOnly' } },
  ],
  'old and new filters together': [
    { includedResources: ['pods'], includedClusterScopedResources: ['nodes'] },
    /cannot be used together/,
  ],
  'a namespace included and excluded': [
    { includedNamespaces: ['a'], excludedNamespaces: ['a'] },
    /excludes list cannot contain an item in the includes list: a/,
  ],
  'two kinds of selectors': [{ labelSelector: {}, orLabelSelectors: [] }, /only one can be specified/],
  'a snapshot location that does not exist': [{ volumeSnapshotLocations: ['v'] }, /for the location v/],
}
for (const [name, [spec, problem, only = location]] of Object.entries(faults)) {
  t.test(`${name} fails validation and does not start`, async (t) => {
    const { status } = prepared(aBackup(spec), { ...around, locations: [only] }) as { status: JsonObject }
    t.match(status, { phase: 'FailedValidation', validationErrors: [problem] })
    t.equal(status['startTimestamp'], undefined)
  })
}

t.test('what others have against a Backup is kept, and fails it', async (t) => {
  const made = prepared(aBackup({}, { validationErrors: ['said before'] }), around)
  t.match(made, { status: { phase: 'FailedValidation', validationErrors: ['said before'] } })
})

t.test('a Restore names one source that is there, else it fails validation', async (t) => {
  const of = (name: string, phase: string, start: string): JsonObject => ({
    metadata: { name, namespace: 'velero', labels: { 'velero.io/schedule-name': 'nightly' } },
    spec: { storageLocation: 'default' },
    status: { phase, startTimestamp: start },
  })
  const backups = [
    of('old', 'Completed', '2026-01-01T00:00:00Z'),
    of('new', 'Completed', '2026-01-02T00:00:00Z'),
    of('newest', 'PartiallyFailed', '2026-01-03T00:00:00Z'),
  ]
  const asked = (spec: JsonObject): JsonObject =>
    completed(
      { metadata: { name: 'r', namespace: 'velero' }, spec },
      { backups, locations: [location], problem: undefined },
    )
  t.match(asked({ backupName: 'old' }), {
    spec: { backupName: 'old', scheduleName: 'nightly' },
    status: undefined,
  })
  t.match(asked({ scheduleName: 'nightly' }), { spec: { backupName: 'new' } })
  t.match(asked({ scheduleName: 'weekly' }), {
    status: {
      validationErrors: ['No backups found for schedule', 'No completed backups found for schedule'],
    },
  })
  t.match(asked({}), { status: { validationErrors: [/Either a backup or schedule/] } })
  t.match(asked({ backupName: 'none' }), { status: { validationErrors: [/can't find backup velero\/none/] } })
  t.match(asked({ backupName: 'old', includedResources: ['nodes'] }), {
    status: { validationErrors: ['nodes are non-restorable resources', /nodes/] },
  })
})

t.test('a Schedule passes its annotations on, and its labels unless the template has some', async (t) => {
  const schedule = (template: JsonObject): JsonObject => ({
    metadata: {
      name: 'nightly',
      namespace: 'velero',
      uid: 'u',
      labels: { tier: 'prod' },
      annotations: { note: 'x' },
    },
    spec: { useOwnerReferencesInBackup: true, template },
  })
  const now = at('2026-01-02T03:04:05Z')
  t.match(backupOf(schedule({ ttl: '1h0m0s' }), now), {
    metadata: {
      name: 'nightly-20260102030405',
      labels: { tier: 'prod', 'velero.io/schedule-name': 'nightly' },
      annotations: { note: 'x' },
      ownerReferences: [{ kind: 'Schedule', uid: 'u' }],
    },
    spec: { ttl: '1h0m0s', hooks: {} },
    status: {},
  })
  const made = backupOf(schedule({ metadata: { labels: { own: 'yes' } } }), now)
  t.match(made, { metadata: { labels: { own: 'yes', tier: undefined } } })
})

t.test('a script that cannot be understood fails validation and says what may be said', async (t) => {
  const of = (annotations: JsonObject) => scriptOf({ metadata: { annotations } }, 500)
  t.same(of({}), { outcome: 'Completed', durationMs: 500 })
  t.same(of({ 'sandbox.velero.io/outcome': 'Failed', 'sandbox.velero.io/duration': '3s' }), {
    outcome: 'Failed',
    durationMs: 3000,
  })
  t.match(of({ 'sandbox.velero.io/outcome': 'Exploded' }), {
    outcome: 'FailedValidation',
    problem: /Stuck.*"Exploded"/,
  })
  t.match(of({ 'sandbox.velero.io/duration': '100h' }), {
    outcome: 'FailedValidation',
    problem: /at most 24h/,
  })
})
