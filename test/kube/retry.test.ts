import t from 'tap'
import { KubeError } from '../../src/kube/errors.ts'
import type { KubeErrorCode, KubeErrorDetails } from '../../src/kube/errors.ts'
import { waitBeforeRetry } from '../../src/kube/retry.ts'

const failure = (code: KubeErrorCode, details: KubeErrorDetails, more: object) => ({
  error: new KubeError(code, 'x', details),
  attempts: 1,
  safe: true,
  leftMs: 10_000,
  random: 0,
  ...more,
})

const cases: Record<string, { given: ReturnType<typeof failure>; want: number | undefined }> = {
  'a read whose connection broke is made again': { given: failure('NETWORK', {}, {}), want: 50 },
  'a write whose connection broke is not: it may have happened': {
    given: failure('NETWORK', {}, { safe: false }),
    want: undefined,
  },
  'a read that met a 503 is made again': { given: failure('UNAVAILABLE', { status: 503 }, {}), want: 50 },
  'a write that met a 503 is not': {
    given: failure('UNAVAILABLE', { status: 503, retryAfterMs: 1000 }, { safe: false }),
    want: undefined,
  },
  'a write that met 429 with Retry-After waits for it': {
    given: failure('TOO_MANY', { retryAfterMs: 2000 }, { safe: false }),
    want: 2000,
  },
  'a write that met 429 without Retry-After (an eviction) is not repeated': {
    given: failure('TOO_MANY', {}, { safe: false }),
    want: undefined,
  },
  'a wait that outlasts the call is not begun': {
    given: failure('TOO_MANY', { retryAfterMs: 20_000 }, {}),
    want: undefined,
  },
  'our own deadline ends the call': { given: failure('TIMEOUT', {}, {}), want: undefined },
  'a time out of the server does not': { given: failure('TIMEOUT', { status: 504 }, {}), want: 50 },
  'a refusal is final': { given: failure('FORBIDDEN', { status: 403 }, {}), want: undefined },
  'the wait grows': { given: failure('NETWORK', {}, { attempts: 4 }), want: 400 },
  'jitter makes it longer by up to twice': { given: failure('NETWORK', {}, { random: 1 }), want: 100 },
  'the sixth failure is the last': { given: failure('NETWORK', {}, { attempts: 6 }), want: undefined },
}
for (const [name, { given, want }] of Object.entries(cases)) {
  t.test(name, async (t) => t.equal(waitBeforeRetry(given), want))
}
