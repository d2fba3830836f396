import * as fc from 'fast-check'
import t from 'tap'
import type { RetryPolicy } from '../../src/api/action.ts'
import { attemptTime, longestWait, parseRetryAfter, tryAgain } from '../../src/core/retry.ts'

const policy: RetryPolicy = {
  limit: 3,
  retryOn: ['5xx', '429', 'network', 'timeout'],
  initialSeconds: 1,
  factor: 2,
  maxSeconds: 10,
}
const last = { attempts: 1, why: '503', timeLeftMs: 20_000, random: 0.5 }

const cases: Readonly<
  Record<string, { given: Parameters<typeof tryAgain>; want: ReturnType<typeof tryAgain> }>
> = {
  'without a policy nothing is tried again': { given: [undefined, last], want: { again: false } },
  'a limit of 0 tries nothing again': { given: [{ ...policy, limit: 0 }, last], want: { again: false } },
  'a class in `on` covers its statuses': { given: [policy, last], want: { again: true, afterMs: 750 } },
  'a status in `on` is tried again': {
    given: [policy, { ...last, why: '429' }],
    want: { again: true, afterMs: 750 },
  },
  'a status that is not listed is final': {
    given: [policy, { ...last, why: '404' }],
    want: { again: false },
  },
  'what has no name in a policy is final': {
    given: [policy, { ...last, why: undefined }],
    want: { again: false },
  },
  'network is not in the class nxx': {
    given: [
      { ...policy, retryOn: ['5xx'] },
      { ...last, why: 'network' },
    ],
    want: { again: false },
  },
  'after limit + 1 attempts it is over': {
    given: [policy, { ...last, attempts: 4 }],
    want: { again: false },
  },
  'the wait is half of the whole at the least': {
    given: [policy, { ...last, random: 0 }],
    want: { again: true, afterMs: 500 },
  },
  'Retry-After lengthens the wait': {
    given: [policy, { ...last, retryAfterMs: 4000 }],
    want: { again: true, afterMs: 4000 },
  },
  'Retry-After does not shorten the wait': {
    given: [policy, { ...last, retryAfterMs: 0 }],
    want: { again: true, afterMs: 750 },
  },
  'Retry-After is honoured up to maxSeconds': {
    given: [policy, { ...last, retryAfterMs: 3_600_000 }],
    want: { again: true, afterMs: 10_000 },
  },
  'a wait that would pass the end is not begun, and the reason is given': {
    given: [policy, { ...last, timeLeftMs: 700 }],
    want: {
      again: false,
      because: 'not tried again: the next attempt would be in 0.8 s, and 0.7 s are left',
    },
  },
}
for (const [name, { given, want }] of Object.entries(cases)) {
  t.test(name, async (t) => {
    t.same(tryAgain(...given), want)
  })
}

t.test('an attempt that may be followed by another after a timeout gets half of the time left', async (t) => {
  t.equal(attemptTime(policy, { attempts: 0, timeLeftMs: 10_000 }), 5000)
})
t.test('the last attempt gets all of the time left', async (t) => {
  t.equal(attemptTime(policy, { attempts: 3, timeLeftMs: 1000 }), 1000)
})
t.test('an attempt gets all of the time if timeouts are not tried again', async (t) => {
  t.equal(attemptTime({ ...policy, retryOn: ['5xx'] }, { attempts: 0, timeLeftMs: 1000 }), 1000)
  t.equal(attemptTime(undefined, { attempts: 0, timeLeftMs: 1000 }), 1000)
})

const now = Date.UTC(2026, 0, 1)
const headers: Readonly<Record<string, number | undefined>> = {
  '7': 7000,
  ' 0 ': 0,
  'Thu, 01 Jan 2026 00:00:05 GMT': 5000,
  'Wed, 31 Dec 2025 00:00:00 GMT': 0,
  '-1': undefined,
  '1.5': undefined,
  '99999999999999999999': undefined,
  soon: undefined,
  '': undefined,
}
for (const [value, want] of Object.entries(headers)) {
  t.test(`Retry-After ${JSON.stringify(value)} means ${want} ms`, async (t) => {
    t.equal(parseRetryAfter(value, now), want)
  })
}
t.test('no Retry-After means nothing', async (t) => {
  t.equal(parseRetryAfter(undefined, now), undefined)
})

const policies: fc.Arbitrary<RetryPolicy> = fc.record({
  limit: fc.nat(20),
  retryOn: fc.constant(['5xx']),
  initialSeconds: fc.nat(600),
  factor: fc.integer({ min: 1, max: 10 }),
  maxSeconds: fc.integer({ min: 1, max: 600 }),
})
const lasts = fc.record({
  attempts: fc.integer({ min: 1, max: 30 }),
  why: fc.constant('503'),
  timeLeftMs: fc.integer({ min: -1000, max: 3_600_000 }),
  random: fc.double({ min: 0, max: 0.999999, noNaN: true }),
  retryAfterMs: fc.nat(10_000_000),
})

t.test('no wait passes the end, and none is longer than maxSeconds', async () => {
  fc.assert(
    fc.property(policies, lasts, (policy, last) => {
      const again = tryAgain(policy, last)
      return !again.again || (again.afterMs < last.timeLeftMs && again.afterMs <= policy.maxSeconds * 1000)
    }),
    { seed: 1 },
  )
})
t.test('there are never more attempts than limit + 1', async () => {
  fc.assert(
    fc.property(
      policies,
      lasts,
      (policy, last) => last.attempts <= policy.limit || !tryAgain(policy, last).again,
    ),
    { seed: 2 },
  )
})
t.test('waits grow up to maxSeconds before they are spread', async () => {
  fc.assert(
    fc.property(policies, fc.integer({ min: 1, max: 30 }), (policy, attempts) => {
      const [one, two] = [longestWait(policy, attempts), longestWait(policy, attempts + 1)]
      return one <= two && two <= policy.maxSeconds * 1000
    }),
    { seed: 3 },
  )
})
t.test('a wait is spread between half and the whole', async () => {
  fc.assert(
    fc.property(policies, lasts, (policy, { retryAfterMs: _asked, ...last }) => {
      const again = tryAgain(policy, last)
      const whole = longestWait(policy, last.attempts)
      return !again.again || (again.afterMs >= Math.floor(whole / 2) && again.afterMs <= whole)
    }),
    { seed: 4 },
  )
})
