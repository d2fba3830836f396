import t from 'tap'
import { KubeError } from '../../src/kube/errors.ts'
import type { KubeErrorCode, KubeErrorDetails } from '../../src/kube/errors.ts'
import { nextRound } from '../../src/kube/reflector-pace.ts'

const fault = (code: KubeErrorCode, details: KubeErrorDetails = {}) => new KubeError(code, 'x', details)
const well = { error: undefined as unknown, liveMs: 400_000, failures: 3, initial: false, random: 0 }

const cases: Record<string, { given: Partial<typeof well>; want: object }> = {
  'a watch that ran its time is begun again at once': {
    given: {},
    want: { waitMs: 0, relist: false, failures: 0 },
  },
  'a watch that is closed as soon as it opens meets the backoff': {
    given: { liveMs: 10, failures: 0 },
    want: { waitMs: 1000, failures: 1 },
  },
  'an expired place is listed anew at once': {
    given: { error: fault('GONE') },
    want: { waitMs: 0, relist: true, failures: 1 },
  },
  'a place that expires again and again meets the backoff': {
    given: { error: fault('GONE'), liveMs: 5, failures: 1 },
    want: { waitMs: 2000, relist: true },
  },
  'a reset keeps the place': { given: { error: fault('NETWORK') }, want: { waitMs: 1000, relist: false } },
  'failures in a row wait longer, up to half a minute': {
    given: { error: fault('NETWORK'), liveMs: 0, failures: 20 },
    want: { waitMs: 15_000 },
  },
  'jitter makes that up to twice': {
    given: { error: fault('NETWORK'), liveMs: 0, failures: 20, random: 1 },
    want: { waitMs: 30_000 },
  },
  'a healthy time forgets the failures before': {
    given: { error: fault('NETWORK'), failures: 20 },
    want: { waitMs: 1000, failures: 1 },
  },
  'Retry-After is honoured': {
    given: { error: fault('TOO_MANY', { retryAfterMs: 90_000 }) },
    want: { waitMs: 90_000, relist: false },
  },
  'Retry-After beyond five minutes is not': {
    given: { error: fault('TOO_MANY', { retryAfterMs: 9e9 }) },
    want: { waitMs: 300_000 },
  },
  'bad JSON is listed anew': { given: { error: fault('BAD_ANSWER') }, want: { relist: true, pages: false } },
  'a version from the future (etcd was restored) is listed anew': {
    given: { error: fault('TIMEOUT', { status: 504 }) },
    want: { relist: true },
  },
  'a server without watch-list is listed in pages at once': {
    given: { error: fault('INVALID'), liveMs: 0, failures: 0, initial: true },
    want: { waitMs: 0, pages: true },
  },
  'a watch-list that never completes gives way to pages': {
    given: { error: fault('TIMEOUT'), liveMs: 0, failures: 2, initial: true },
    want: { pages: true },
  },
  'watch-lists that are cut short again and again give way to pages': {
    given: { liveMs: 0, failures: 3, initial: true },
    want: { pages: true },
  },
  'our own fault is waited out': {
    given: { error: new TypeError('bug') },
    want: { waitMs: 1000, relist: false },
  },
}
for (const [name, { given, want }] of Object.entries(cases)) {
  t.test(name, async (t) => t.match(nextRound({ ...well, ...given }), want))
}
