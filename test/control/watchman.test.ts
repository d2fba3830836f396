import t from 'tap'
import { createWatchman, type Look, type WatchmanPorts } from '../../src/control/watchman.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { FakeLog } from '../support/fake-log.ts'

type Answers = Partial<Pick<WatchmanPorts, 'gateOff' | 'canaries' | 'probe'>>

function watch(answers: Answers = {}, namespaces: readonly string[] = ['velero']) {
  const clock = new FakeClock()
  const log = new FakeLog()
  const looks: Look[] = []
  const stop = new AbortController()
  const watchman = createWatchman({
    clock,
    log,
    namespaces,
    gateOff: async () => false,
    canaries: async () => ['denied: the guard is closed'],
    probe: async () => 'denied: reached',
    canaryMessage: 'the guard is closed',
    probeMessage: 'reached',
    onLook: (look) => void looks.push(look),
    ...answers,
  })
  const running = watchman.start(stop.signal)
  return { clock, log, looks, stop, watchman, running }
}

t.test('before the first look nothing is closed', async (t) => {
  const { watchman, stop, running, clock } = watch()
  t.equal(watchman.closed(), false)
  await clock.pass(0)
  t.equal(watchman.closed(), true)
  stop.abort()
  await running
  t.equal(clock.waiting, 0)
})

t.test('a guard that denies its canary is closed, and the probe follows a round later', async (t) => {
  const { watchman, looks, clock, stop } = watch()
  await clock.pass(60_000)
  t.same(looks, [
    { namespace: 'velero', gateOff: false, guardClosed: true, reached: undefined },
    { namespace: 'velero', gateOff: false, guardClosed: true, reached: true },
  ])
  t.same(watchman.unseen(), [])
  stop.abort()
})

for (const [name, { answers, want, says }] of Object.entries({
  'let through': {
    answers: { canaries: async () => [undefined] },
    want: false,
    says: /did not deny its canaries/,
  },
  'denied by somebody else': {
    answers: { canaries: async () => ['quota exceeded'] },
    want: false,
    says: /did not deny its canaries/,
  },
  'not to be asked': {
    answers: { canaries: () => Promise.reject(new Error('no answer')) },
    want: false,
    says: /the guard could not be looked at/,
  },
} as const)) {
  t.test(`a guard whose canary was ${name} is open, and looked at again soon`, async (t) => {
    const { watchman, looks, log, clock, stop } = watch(answers)
    await clock.pass(2_000)
    t.equal(watchman.closed(), want)
    t.same(watchman.unseen(), ['velero'])
    t.match(log.lines.join('\n'), says)
    t.equal(looks.length, 2)
    stop.abort()
  })
}

t.test(
  'a namespace that is switched off by its label counts as looked after, and is not probed',
  async (t) => {
    const asked: string[] = []
    const { watchman, looks, clock, stop } = watch({
      gateOff: async () => true,
      canaries: async () => [void asked.push('canary')],
    })
    await clock.pass(0)
    t.equal(watchman.closed(), true)
    t.same([looks.map(({ gateOff }) => gateOff), asked], [[true], []])
    stop.abort()
  },
)

t.test('a label that cannot be read is not taken for off', async (t) => {
  const { looks, log, clock, stop } = watch({ gateOff: () => Promise.reject(new Error('no answer')) })
  await clock.pass(0)
  t.match(looks, [{ gateOff: false, guardClosed: true }])
  t.match(log.lines, [/the gate label could not be looked at/])
  stop.abort()
})

t.test('a probe that does not reach us is told, and changes nothing about the guard', async (t) => {
  const { watchman, looks, log, clock, stop } = watch({ probe: async () => undefined })
  await clock.pass(60_000)
  t.equal(looks.at(-1)?.reached, false)
  t.equal(watchman.closed(), true)
  t.match(log.lines, [/did not reach tidewaiter/])
  stop.abort()
})

t.test('every namespace must be closed', async (t) => {
  const { watchman, clock, stop } = watch(
    { canaries: async (namespace) => [namespace === 'a' ? 'the guard is closed' : undefined] },
    ['a', 'b'],
  )
  await clock.pass(0)
  t.equal(watchman.closed(), false)
  t.same(watchman.unseen(), ['b'])
  stop.abort()
})

t.test('one policy of the guard that lets its canary through leaves it open', async (t) => {
  const { watchman, clock, stop } = watch({
    canaries: async () => ['denied: the guard is closed', undefined],
  })
  await clock.pass(0)
  t.equal(watchman.closed(), false)
  stop.abort()
})

t.test(
  'a closed guard is believed for five minutes while the API server cannot be asked, and no longer',
  async (t) => {
    let down = false
    const canaries = async () => {
      if (down) throw new Error('no answer')
      return ['denied: the guard is closed']
    }
    const { watchman, clock, stop } = watch({ canaries })
    await clock.pass(0)
    down = true
    await clock.pass(4 * 60_000)
    t.equal(watchman.closed(), true)
    await clock.pass(2 * 60_000)
    t.equal(watchman.closed(), false)
    stop.abort()
  },
)

t.test('what is to be held asks the guard itself, so that one that was opened holds nothing', async (t) => {
  let asked = 0
  let isOpen = false
  const canaries = async () => {
    asked += 1
    return [isOpen ? undefined : 'denied: the guard is closed']
  }
  const { watchman, looks, clock, stop } = watch({ canaries })
  await clock.pass(0)
  t.same(await Promise.all([watchman.guards('velero'), watchman.guards('velero')]), [true, true])
  t.equal(asked, 1, 'a look of this moment is enough')
  await clock.pass(2_000)
  isOpen = true
  const answers = await Promise.all([1, 2, 3].map(() => watchman.guards('velero')))
  t.same([answers, asked], [[false, false, false], 2], 'whoever asks meanwhile waits for the same answer')
  t.match(looks.at(-1), { guardClosed: false })
  isOpen = false
  t.equal(await watchman.guards('velero'), true, 'and one that acts again is seen at once')
  stop.abort()
})

t.test('what is to be held before the first look asks the guard itself', async (t) => {
  const { watchman } = watch()
  t.equal(await watchman.guards('velero'), true)
})

t.test('a guard that opens once it was closed is told, and does not make the replica unready', async (t) => {
  let isOpen = false
  const { watchman, looks, clock, stop } = watch({
    canaries: async () => [isOpen ? undefined : 'denied: the guard is closed'],
  })
  await clock.pass(0)
  isOpen = true
  await clock.pass(60_000)
  t.match(looks.at(-1), { guardClosed: false })
  t.same([watchman.closed(), watchman.unseen()], [false, []])
  stop.abort()
})

t.test(
  'a clock that is set back lets no guard be believed for longer: what is to be held asks it anew',
  async (t) => {
    let open = false
    const { watchman, clock, stop } = watch({
      canaries: async () => [open ? undefined : 'denied: the guard is closed'],
    })
    await clock.pass(0)
    t.equal(await watchman.guards('velero'), true)
    open = true
    clock.step(-3_600_000)
    await clock.pass(2_000)
    t.equal(await watchman.guards('velero'), false)
    stop.abort()
  },
)
