/** What is counted by numbers of our own reads as prom-client's own counters and histograms do. */
import t from 'tap'
import { Counter, Histogram, Registry } from '../../src/lean/prom-client.ts'
import { Tally, Timing } from '../../src/observe/tally.ts'

const about = { help: 'what it is', labelNames: ['webhook', 'verdict'] as const }
const buckets = [0.005, 0.1, 1]
const seen = [0.001, 0.005, 0.0051, 0.1, 0.7, 1, 1.5, 30]

t.test('the text for Prometheus is that of prom-client, whenever it is asked', async (t) => {
  const [ours, theirs] = [new Registry(), new Registry()]
  const tally = new Tally({ ...about, name: 'asked_total', registry: ours })
  const timing = new Timing({ ...about, name: 'took_seconds', buckets, registry: ours })
  const told = { help: about.help, labelNames: [...about.labelNames], registers: [theirs] }
  const counter = new Counter({ ...told, name: 'asked_total' })
  const histogram = new Histogram({ ...told, name: 'took_seconds', buckets })
  for (const _ of [1, 2]) {
    t.equal(await ours.metrics(), await theirs.metrics())
    for (const seconds of seen)
      for (const [webhook, verdict] of [
        ['hold', 'allowed'],
        ['backups', 'refused'],
      ] as const) {
        tally.inc(webhook, verdict)
        counter.inc({ webhook, verdict })
        timing.observe(seconds, webhook, verdict)
        histogram.observe({ webhook, verdict }, seconds)
      }
  }
  t.equal(await ours.metrics(), await theirs.metrics())
  t.equal(await ours.metrics(), await theirs.metrics(), 'asking changes nothing')
})
