/** The judge: a story as it should be has nothing wrong, and each thing that must not be is found and named. */
import t from 'tap'
import type { Happening } from './history.ts'
import { judge } from './judge.ts'
import { scenarios, type Scenario } from './scenarios.ts'

const scenarioOf = (name: string): Scenario => {
  const found = scenarios.find((one) => one.name === name)
  if (found === undefined) throw new Error(`there is no scenario ${name}`)
  return found
}

const effect = (role: string, stage: string, undo = false): Happening => ({
  is: 'effect',
  role,
  stage,
  undo,
  copy: false,
})
const record = (stage: string, phase: string, ...actions: readonly object[]): Happening => ({
  is: 'record',
  stage,
  status: { phase, actions },
})
const row = (name: string, phase: string, more: object = {}) => ({ name: `${name}-l01`, phase, ...more })
const object = (phase: string, notes: object = {}): Happening => ({ is: 'object', phase, held: false, notes })

const pre = 'PreBackup'
const post = 'PostBackup'
const claimed = [record(pre, 'Running', row('10-freeze', 'Running')), effect('10-freeze', pre)]
const checked = [
  record(pre, 'Running', row('10-freeze', 'Succeeded'), row('20-check', 'Running')),
  effect('20-check', pre),
]
const admitted = [
  record(pre, 'Succeeded', row('10-freeze', 'Succeeded'), row('20-check', 'Succeeded')),
  object('New'),
]
const ran = [object('InProgress'), object('Completed')]
const told = [
  record(post, 'Running', row('90-note', 'Running')),
  effect('90-note', post),
  record(post, 'Succeeded', row('90-note', 'Succeeded')),
  object('Completed', { pre: 'Succeeded', post: 'Succeeded' }),
]
const undoing = record(pre, 'Undoing', row('10-freeze', 'Succeeded', { undo: { phase: 'Undoing' } }))
const undone = record(pre, 'Undone', row('10-freeze', 'Succeeded', { undo: { phase: 'Undone' } }))
const whole = [...claimed, ...checked, ...admitted, ...ran, ...told]

t.test('a story as it should be', async (t) => {
  t.same(judge(scenarioOf('inline'), whole), [])
  const refused = [...claimed, undoing, effect('10-freeze', pre, true), undone]
  t.same(judge(scenarioOf('inline'), [...refused, { is: 'freed' }]), [])
  t.same(judge(scenarioOf('inline'), [...whole, { is: 'freed' }]), [])
})

const wrong: Readonly<Record<string, readonly [readonly Happening[], RegExp]>> = {
  'it began before its pre action': [[...claimed, ...ran], /pre action 20-check had not been done/],
  'nobody undid it': [[...claimed], /the object never ran, and nobody undid it/],
  'it was undone while it runs': [
    [...claimed, ...checked, ...admitted, object('InProgress'), undoing, effect('10-freeze', pre, true)],
    /was undone, and the object runs/,
  ],
  'its post action is forgotten': [[...claimed, ...checked, ...admitted, ...ran], /90-note was never done/],
  'its post action comes early': [
    [...claimed, ...checked, ...admitted, object('InProgress'), ...told],
    /before the object had ended/,
  ],
  'it is done again after it was recorded': [
    [...whole, effect('90-note', post)],
    /90-note was done again after it was recorded/,
  ],
  'it is undone again after it was recorded': [
    [...claimed, undoing, effect('10-freeze', pre, true), undone, effect('10-freeze', pre, true)],
    /undone again after it was recorded/,
  ],
  'it is done before it is claimed': [[effect('10-freeze', pre), ...claimed], /while no record claimed it/],
  'it is recorded, and was not done': [
    [
      record(pre, 'Running', row('10-freeze', 'Running')),
      record(pre, 'Running', row('10-freeze', 'Succeeded')),
    ],
    /is recorded as done, and was not/,
  ],
  'it was done, and its record says that it was skipped': [
    [...claimed, record(pre, 'Refused', row('10-freeze', 'Skipped'))],
    /was done, and its record ends as Skipped/,
  ],
  'the object and its record say two things': [
    [...whole, object('Completed', { pre: 'Refused' })],
    /the object says pre=Refused, its record Succeeded/,
  ],
  'it was refused, and is there': [
    [
      ...whole,
      {
        is: 'answered',
        code: 403,
        message: 'admission webhook "b" denied the request: tidewaiter refused Backup',
      },
    ],
    /told that it was refused, and it is stored/,
  ],
  'who made it was told that its webhook failed, and it is there': [
    [...whole, { is: 'answered', code: 500, message: 'failed calling webhook "b": EOF' }],
    /told that it was refused, and it is stored/,
  ],
  'who made it was told that it is there, and it never was': [
    [...claimed, { is: 'answered', code: 201, message: '' }],
    /told that it was created, and it never was/,
  ],
  'its key is free before it is undone': [
    [...claimed, { is: 'freed' }],
    /its exclusive key was given back before/,
  ],
  'its key is free before its post stage has ended': [
    [...claimed, ...checked, ...admitted, record(post, 'Pending'), ...ran, { is: 'freed' }, ...told],
    /its exclusive key was given back before/,
  ],
  'its key is free before its post stage is recorded': [
    [...claimed, ...checked, ...admitted, ...ran, { is: 'freed' }, ...told],
    /its exclusive key was given back before/,
  ],
  'its post stage is recorded after its key is free, and nothing is done': [
    [
      ...claimed,
      ...checked,
      ...admitted,
      ...ran,
      { is: 'freed' },
      record(post, 'Pending'),
      record(post, 'Failed', row('90-note', 'Failed', { noEffect: true })),
    ],
    /its exclusive key was given back before/,
  ],
  'it hangs': [[{ is: 'hangs', why: 'the Pre run is Running' }], /never comes to an end/],
}

for (const [name, [story, want]] of Object.entries(wrong))
  t.test(`found: ${name}`, async (t) => {
    t.ok(
      judge(scenarioOf('inline'), story).some((one) => want.test(one)),
      judge(scenarioOf('inline'), story).join('; '),
    )
  })

t.test('what is done at most once is found when it is done twice', async (t) => {
  const once = [
    record(post, 'Running', row('95-once', 'Running')),
    effect('95-once', post),
    effect('95-once', post),
  ]
  const wrongs = judge(scenarioOf('post-once'), [...ran, ...once])
  t.ok(wrongs.some((one) => one.includes('says idempotent: false and was done 2 times')))
})

const rival = (undo = false): Happening => ({ is: 'rival', by: 'exclusive-2', role: '10-freeze', undo })
const undoneAtEnd = [undoing, effect('10-freeze', pre, true), undone]

t.test('who shares an exclusive key acts before it or after it, and not in between', async (t) => {
  const between = (story: readonly Happening[]) =>
    judge(scenarioOf('exclusive-turned'), story).filter((one) => one.includes('came in between'))
  t.same(between([rival(), rival(true), ...whole, rival()]), [])
  t.same(between([rival(), ...claimed, ...undoneAtEnd, rival(), record(post, 'Pending')]), [])
  t.same(between([rival()]), [])
  t.same(between([...claimed, rival(), ...checked, ...admitted, ...ran, ...told]), [
    '10-freeze of exclusive-2, which shares its exclusive key, came in between',
  ])
  t.same(between([...claimed, rival(true), ...undoneAtEnd]), [
    'the undo of 10-freeze of exclusive-2, which shares its exclusive key, came in between',
  ])
  const thawing = [record(post, 'Pending'), ...ran, rival(), ...told]
  t.equal(between([...claimed, ...checked, ...admitted, ...thawing]).length, 1)
  const planned = [...ran, rival(), record(post, 'Pending')]
  t.equal(between([...claimed, ...checked, ...admitted, ...planned]).length, 1)
})

const replied = (role: string, lsn?: number): Happening => ({
  is: 'replied',
  role,
  undo: false,
  status: 200,
  ...(lsn === undefined ? {} : { lsn }),
})
const carrying = (phase: string, outputs: object, more: object = {}): Happening => ({
  is: 'object',
  phase,
  held: false,
  notes: {},
  carried: { isSigned: true, isOwn: true, outputs, ...more },
})
const gave = (name: string, lsn: number) => row(name, 'Succeeded', { outputs: { lsn } })
const exported = [
  ...claimed,
  replied('10-freeze', 7),
  record(pre, 'Running', gave('10-freeze', 7), row('20-check', 'Running')),
  effect('20-check', pre),
  replied('20-check', 8),
  record(pre, 'Succeeded', gave('10-freeze', 7), gave('20-check', 8)),
]
const both = { '10-freeze': { lsn: 7 }, '20-check': { lsn: 8 } }

const wronglyExported: Readonly<Record<string, readonly [readonly Happening[], string]>> = {
  'it may start without them': [
    [...exported, object('New'), carrying('InProgress', both)],
    'Velero could start it, and it carried no outputs',
  ],
  'they are taken off while it runs': [
    [...exported, carrying('New', both), object('InProgress')],
    'Velero could start it, and it carried no outputs',
  ],
  'nobody signed them': [
    [...exported, carrying('New', both, { isSigned: false })],
    'it carries outputs that no key of the install signed',
  ],
  'they are those of another': [
    [...exported, carrying('New', both, { isOwn: false })],
    'it carries outputs that are of another object',
  ],
  'they are not those that are recorded': [
    [...exported, carrying('New', { ...both, '20-check': { lsn: 9 } })],
    'it carries {"10-freeze":{"lsn":7},"20-check":{"lsn":9}}, and {"10-freeze":{"lsn":7},"20-check":{"lsn":8}} is recorded',
  ],
  'nobody answered what is recorded': [
    [...claimed, record(pre, 'Running', gave('10-freeze', 6)), replied('10-freeze', 6)],
    '10-freeze is recorded with {"lsn":6}, which nobody answered',
  ],
  'what was answered is not recorded': [
    [...claimed, replied('10-freeze', 7), record(pre, 'Running', row('10-freeze', 'Succeeded'))],
    '10-freeze is recorded with undefined, which nobody answered',
  ],
}
t.test('what is exported is what was answered and recorded, and there before it may start', async (t) => {
  const failed = object('FailedValidation')
  const wrongs = (story: readonly Happening[]) =>
    judge(scenarioOf('exported'), story).filter((one) => /carr|answered/.test(one))
  t.same(wrongs([...exported, carrying('New', both), carrying('InProgress', both)]), [])
  t.same(wrongs([...claimed, { ...object('New'), held: true } as Happening, failed]), [])
  const again = [...claimed, replied('10-freeze', 6), effect('10-freeze', pre), ...exported.slice(2)]
  t.same(
    wrongs([...again, carrying('New', both)]),
    [],
    'what was answered before it was done again is nothing',
  )
  for (const [name, [story, want]] of Object.entries(wronglyExported)) t.same(wrongs(story), [want], name)
})

const tried = (status: number, more: object = {}): readonly Happening[] => [
  effect('10-freeze', pre),
  { is: 'replied', role: '10-freeze', undo: false, status, lsn: 1, ...more },
]
const trying = record(pre, 'Running', row('10-freeze', 'Running'))
const didIn = (attempts: number) => record(pre, 'Running', row('10-freeze', 'Succeeded', { attempts }))

t.test('what is refused at first is done later, and each attempt that is recorded was made', async (t) => {
  const wrongs = (...story: readonly Happening[]) =>
    judge(scenarioOf('retried'), [trying, ...story]).filter(
      (one) => one.startsWith('10-freeze') && !/undid/.test(one),
    )
  const kept: Happening = { is: 'replied', role: '10-freeze', undo: false, status: 500 }
  t.same(wrongs(...tried(503), ...tried(200), didIn(2)), [])
  t.same(wrongs(...tried(503), kept, ...tried(200), didIn(3)), [])
  t.same(wrongs(...tried(503), ...tried(200), didIn(1)), [], 'the first was that of a process that died')
  t.same(wrongs(...tried(503), didIn(1)), ['10-freeze is recorded as done, and was only refused'])
  t.same(wrongs(...tried(503), ...tried(200, { undo: true }), didIn(2)), [
    '10-freeze is recorded as done, and was only refused',
  ])
  t.same(wrongs(...tried(503), ...tried(200), didIn(3)), [
    '10-freeze is recorded with 3 attempts, and 2 were made',
  ])
  const again = wrongs(...tried(503), ...tried(200), didIn(2), ...tried(200))
  t.ok(again.includes('10-freeze was done again after it was recorded as done'))
  const given = record(pre, 'Refused', row('10-freeze', 'Failed', { message: 'answered 503 "no"' }))
  t.same(wrongs(...tried(503), given), ['10-freeze failed, and nothing had gone wrong: answered 503 "no"'])
})

const acted = (undo: boolean, from: string, to: string, role = '10-stop'): Happening => ({
  is: 'effect',
  stage: pre,
  role,
  undo,
  copy: false,
  from,
  to,
})
const stopping = record(pre, 'Running', row('10-stop', 'Running'))
const stopped = [stopping, acted(false, 'rw', 'ro'), record(pre, 'Succeeded', row('10-stop', 'Succeeded'))]
const back = (phase: string): Happening => ({
  is: 'record',
  stage: pre,
  status: { phase, undoneFrom: 'Succeeded', actions: [row('10-stop', 'Succeeded', { undo: { phase } })] },
})
const [takingBack, takenBack] = [back('Undoing'), back('Undone')]
const mended: Happening = { is: 'changed', role: '10-stop', to: 'mended' }
const changed = scenarioOf('patched-changed')

t.test('what an action changed is put back, and what a person changed since is not', async (t) => {
  t.same(judge(changed, [...stopped, ...ran, takingBack, acted(true, 'ro', 'rw'), takenBack]), [])
  t.same(judge(changed, [...stopped, mended, ...ran, takingBack, takenBack, { is: 'freed' }]), [])
  const again = [
    stopping,
    acted(false, 'rw', 'ro'),
    mended,
    acted(false, 'mended', 'ro'),
    ...stopped.slice(2),
  ]
  t.same(judge(changed, [...again, ...ran, takingBack, acted(true, 'ro', 'mended'), takenBack]), [])
})

const wronglyActed: Readonly<Record<string, readonly [readonly Happening[], RegExp]>> = {
  'it is not put back': [[...stopped, ...ran], /10-stop was not undone at the end/],
  'it is recorded as put back, and was not': [
    [...stopped, ...ran, takingBack, takenBack],
    /10-stop is recorded as undone, and was not/,
  ],
  'it is put back over what a person made of it': [
    [...stopped, mended, ...ran, takingBack, acted(true, 'mended', 'rw'), takenBack],
    /was put back over mended/,
  ],
  'something else is put back': [
    [...stopped, ...ran, takingBack, acted(true, 'ro', 'off'), takenBack],
    /was put back to off, and rw was there before/,
  ],
  'it is put back twice': [
    [
      ...stopped,
      ...ran,
      takingBack,
      acted(true, 'ro', 'rw'),
      acted(false, 'rw', 'ro'),
      acted(true, 'ro', 'rw'),
    ],
    /was put back 2 times/,
  ],
  'it fails by itself': [
    [stopping, record(pre, 'Refused', row('10-stop', 'Failed', { message: 'answered 500 "oh"' }))],
    /10-stop failed, and nothing had gone wrong: answered 500/,
  ],
  'it is changed before a record claims it': [
    [acted(false, 'rw', 'ro'), ...stopped],
    /10-stop was done while no record claimed it/,
  ],
}
for (const [name, [story, want]] of Object.entries(wronglyActed))
  t.test(`found: ${name}`, async (t) => {
    t.match(judge(changed, story).join('\n'), want)
  })

t.test('what fails by a fault of another object fails not by itself', async (t) => {
  const failed = record(pre, 'Refused', row('10-stop', 'Failed', { message: 'answered 500 "oh"' }))
  const disturbed: Happening = { is: 'disturbed', site: 'list horizontalpodautoscalers', fault: '500' }
  const wrongs = judge(changed, [stopping, disturbed, failed])
  t.notMatch(wrongs.join('\n'), /nothing had gone wrong/)
})

t.test('what waits is done when what it waits for has come to be, and not before', async (t) => {
  const followed: Happening = { is: 'followed', role: '20-drained' }
  const waited = record(pre, 'Running', row('10-stop', 'Succeeded'), row('20-drained', 'Succeeded'))
  const wrongs = (story: readonly Happening[]) =>
    judge(scenarioOf('patched'), story).filter((one) => one.includes('20-drained'))
  t.same(wrongs([...stopped, followed, waited, ...ran]), [])
  t.same(wrongs([...stopped, waited, ...ran]), [
    'it began to run, and what 20-drained waits for had not come to be',
    '20-drained is recorded as done, and what it waits for had not come to be',
  ])
})

const answered = (name: string, story: readonly Happening[]) => judge(scenarioOf(name), story).join('\n')
const refusing = (name: string, phase: string, done: string) => [
  record(pre, 'Running', row('10-freeze', 'Succeeded'), row(name, 'Running')),
  effect(name, pre),
  record(pre, phase, row('10-freeze', 'Succeeded'), row(name, done)),
]

t.test('what a pre action refuses does not run, and is not recorded as done', async (t) => {
  const takingBack = (phase: string, check: string) =>
    record(pre, phase, row('10-freeze', 'Succeeded', { undo: { phase } }), row('20-check', check))
  const takenBack = (check: string) => [
    takingBack('Undoing', check),
    effect('10-freeze', pre, true),
    takingBack('Undone', check),
  ]
  const refused = [...claimed, ...refusing('20-check', 'Refused', 'Failed'), ...takenBack('Failed')]
  t.equal(answered('inline-refused', refused), '')
  const begun = [...claimed, ...refusing('20-check', 'Succeeded', 'Failed'), ...ran, ...told]
  t.equal(answered('inline-refused', begun), 'it began to run, and its pre action 20-check was answered 503')
  const believed = [...claimed, ...refusing('20-check', 'Refused', 'Succeeded'), ...takenBack('Succeeded')]
  t.equal(answered('held-refused', believed), '20-check is recorded as done, and was answered 503')
  t.notMatch(answered('inline', [...whole]), /was answered/)
})

t.test('a pre action that is answered so and says onError: Continue lets it begin', async (t) => {
  const { roles, ...more } = scenarioOf('inline-refused')
  const going = roles.map((one) =>
    one.status === undefined ? one : { ...one, spec: { onError: 'Continue' } },
  )
  const begun = [...claimed, ...refusing('20-check', 'Succeeded', 'Failed'), ...ran, ...told]
  t.same(judge({ ...more, roles: going }, begun), [])
})

const counting = [
  object('InProgress'),
  object('Completed'),
  record(post, 'Running', row('90-note', 'Running')),
  effect('90-note', post),
  record(post, 'Failed', row('90-note', 'Failed')),
]
const result = (phase: string, errors?: number): Happening => ({
  is: 'object',
  phase,
  held: false,
  notes: { post: 'Failed' },
  ...(errors === undefined ? {} : { errors }),
})

t.test('a failed post action that counts makes PartiallyFailed with one error', async (t) => {
  t.equal(answered('post-counted', [...counting, result('PartiallyFailed', 1)]), '')
  for (const wrong of [
    result('Completed'),
    result('Completed', 1),
    result('PartiallyFailed'),
    result('PartiallyFailed', 2),
  ])
    t.match(
      answered('post-counted', [...counting, wrong]),
      /^90-note failed and counts, and the object ends as/,
    )
})

t.test('nobody could look at it: nothing counts, and it is told', async (t) => {
  t.equal(answered('post-counted', [...ran, object('Completed', { post: 'Unknown' })]), '')
  t.equal(answered('post-counted', [object('InProgress')]), '')
})
