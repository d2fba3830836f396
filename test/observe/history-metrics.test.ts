import { Registry } from 'prom-client'
import t from 'tap'
import { addHistoryMetrics, type MeasuredHistory } from '../../src/observe/history-metrics.ts'

const calm = { reading: [], waiting: 0, lost: 0 }

function measured(given: Partial<MeasuredHistory> = {}) {
  const registry = new Registry()
  addHistoryMetrics(registry, {
    progress: () => calm,
    extent: () => Promise.resolve({ records: 7, bytes: 4096 }),
    ...given,
  })
  return () => registry.metrics()
}

t.test('what the history has, what waits and what was lost is measured when it is asked for', async (t) => {
  let progress = { ...calm, waiting: 3, lost: 2 }
  const text = measured({ progress: () => progress })
  const first = await text()
  for (const line of ['current 1', 'waiting 3', 'lost_total 2', 'records 7', 'bytes 4096'])
    t.match(first, new RegExp(`^tidewaiter_history_${line}$`, 'm'))
  progress = { ...calm, lost: 5 }
  t.match(await text(), /^tidewaiter_history_lost_total 5$/m, 'counted, not added up twice')
})

for (const [name, now] of Object.entries({
  'is still read': { ...calm, reading: ['velero'] },
  'cannot be written': { ...calm, trouble: { message: 'the disk is full', since: 0 } },
}))
  t.test(`a history that ${name} is not current`, async (t) => {
    t.match(await measured({ progress: () => now })(), /^tidewaiter_history_current 0$/m)
  })

t.test('a file that cannot be asked keeps no other metric back', async (t) => {
  const answers = [Promise.resolve({ records: 7, bytes: 1 }), Promise.resolve({ records: 7, bytes: 1 })]
  const text = measured({ extent: () => answers.shift() ?? Promise.reject(new Error('it is busy')) })
  await text()
  const later = await text()
  t.match(later, /^tidewaiter_history_current 1$/m)
  t.match(later, /^tidewaiter_history_records 7$/m, 'the last that was known')
})
