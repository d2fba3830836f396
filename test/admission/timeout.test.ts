import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import t from 'tap'
import { goDurationMs, timeoutOf } from '../../src/admission/timeout.ts'

const seed = { seed: 1, numRuns: 300 }

const cases: Readonly<Record<string, number | undefined>> = {
  '30s': 30_000,
  '1m0s': 60_000,
  '23.5s': 23_500,
  '1h2m3.004s': 3_723_004,
  '100ms': 100,
  '1.5h': 5_400_000,
  '.5s': 500,
  '5.s': 5000,
  '250µs': 0.25,
  '250us': 0.25,
  '1000000ns': 1,
  '0': 0,
  '': undefined,
  '30': undefined,
  '-1s': undefined,
  '+1s': undefined,
  '1 s': undefined,
  s: undefined,
  '.s': undefined,
  '1s junk': undefined,
  '1d': undefined,
  '1e3s': undefined,
}

for (const [text, want] of Object.entries(cases)) {
  t.test(`a Go duration is read as Go reads it: ${JSON.stringify(text)}`, async (t) => {
    t.equal(goDurationMs(text), want)
  })
}

t.test('what Go prints is read back', async () => {
  const part = fc.record({ h: fc.nat(99), m: fc.nat(59), s: fc.nat(59), ms: fc.nat(999) })
  fc.assert(
    fc.property(part, ({ h, m, s, ms }) => {
      const text = `${h}h${m}m${s}.${String(ms).padStart(3, '0')}s`
      assert.ok(Math.abs((goDurationMs(text) ?? NaN) - (((h * 60 + m) * 60 + s) * 1000 + ms)) < 1e-3, text)
    }),
    seed,
  )
})

t.test('whatever the query says, the time is above 0 and at most 30 s', async () => {
  const unit = fc.constantFrom('ns', 'us', 'ms', 's', 'm', 'h', 'd', '')
  const almost = fc.tuple(fc.double(), unit).map(([count, unit]) => `${count}${unit}`)
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        almost.map((text) => `timeout=${text}`),
      ),
      (query) => {
        const ms = timeoutOf(query)
        return ms > 0 && ms <= 30_000
      },
    ),
    seed,
  )
})

t.test('without a readable timeout it is 10 s', async (t) => {
  for (const query of [
    '',
    'soon',
    'timeout',
    'timeout=',
    'timeout=soon',
    'timeout=0s',
    'timeout=+1s',
    'late=5s',
  ])
    t.equal(timeoutOf(query), 10_000, query)
  t.equal(timeoutOf('timeout=24s'), 24_000)
  t.equal(timeoutOf('timeout=250%C2%B5s&more=1'), 0.25)
  t.equal(timeoutOf(`timeout=24s&${'x'.repeat(100)}`), 24_000, 'one that is too long to be kept')
})
