/** What must have come of one object of a soak: each difference is found and named. */
import t from 'tap'
import { mischanged, miscounted, missing, type Standing } from './fared.ts'
import { kindBy, kindOfName, soakKinds } from './kinds.ts'

const held = kindOfName('held')
const runs = [
  {
    name: 'held-l00-1-pre',
    object: 'held-l00-1',
    uid: 'u',
    stage: 'PreBackup',
    phase: 'Undone',
    actions: { '10-hold': 'Succeeded', '20-check': 'Succeeded' },
  },
  {
    name: 'held-l00-1-post',
    object: 'held-l00-1',
    uid: 'u',
    stage: 'PostBackup',
    phase: 'Succeeded',
    actions: { '90-note': 'Succeeded' },
  },
]
const notes = { pre: 'Succeeded', post: 'Succeeded' }
const whole: Standing = {
  object: { name: 'held-l00-1', uid: 'u', phase: 'Completed', notes },
  runs,
  claims: [],
}

t.test('nothing is missing of one that ended as it must', async (t) => {
  t.same(missing(held, whole), [])
  t.same(missing(kindOfName('plain'), { ...whole, runs: [] }), [])
})

const wrong: Readonly<Record<string, readonly [Partial<Standing>, string]>> = {
  'it is not there': [{ object: undefined }, 'it is not there'],
  'its run is gone': [{ runs: runs.slice(1) }, 'its pre run is not there'],
  'it is told otherwise': [
    { object: { name: 'held-l00-1', uid: 'u', phase: 'Completed', notes: { pre: 'Succeeded' } } },
    'it says post=nothing, not Succeeded',
  ],
  'it keeps a key': [{ claims: ['tidewaiter-exclusive-a'] }, 'it has tidewaiter-exclusive-a'],
}
for (const [name, [differs, want]] of Object.entries(wrong))
  t.test(`found: ${name}`, async (t) => {
    t.ok(missing(held, { ...whole, ...differs }).includes(want))
  })

const key = (rest: string) => `u/PreBackup/${rest}`
const counts = {
  [key('10-hold-l00')]: 1,
  [key('20-check-l00')]: 1,
  [key('10-hold-l00/undo')]: 1,
  'u/PostBackup/90-note-l00': 1,
}

t.test('each effect must be heard once, and no other', async (t) => {
  t.same(miscounted(held, counts), [])
  t.same(miscounted(held, { ...counts, [key('20-check-l00')]: 2 }), ['20-check was heard 2 times'])
  const { [key('10-hold-l00/undo')]: _undo, ...without } = counts
  t.same(miscounted(held, without), ['10-hold/undo was heard 0 times'])
  t.same(miscounted(held, { ...counts, [key('10-freeze-l00')]: 1 }), [
    '10-freeze was heard, and nobody asked for it',
  ])
})

t.test('what an account changes is changed once and once back, and nothing else is', async (t) => {
  const acting = kindOfName('acting')
  const well = { times: 2, isAsBefore: true }
  t.same(mischanged(acting, { '10-stop': well, '15-scale': well }), [])
  t.same(mischanged(acting, { '10-stop': { times: 4, isAsBefore: true } }), [
    '10-stop changed its object 4 times, not 2',
  ])
  t.same(mischanged(acting, { '15-scale': { times: 1, isAsBefore: false } }), [
    '15-scale changed its object 1 times, not 2',
    'what 15-scale changed was not put back',
  ])
  t.same(mischanged(held, { '10-stop': well }), ['10-stop changed its object 2 times, not 0'])
})

t.test('every kind comes, as often as its weight says', async (t) => {
  const drawn = Array.from({ length: 100 }, (_, at) => kindBy(at / 100).name)
  for (const { name, weight } of soakKinds) t.equal(drawn.filter((one) => one === name).length, weight, name)
})
