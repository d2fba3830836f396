/** The alerts as they lie in the tree: each has a page that says what to do, and is made of metrics that there are. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { createMetrics } from '../../src/observe/metrics.ts'

type Rule = {
  readonly alert: string
  readonly expr: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

const root = join(import.meta.dirname, '../..')
const folder = 'deploy/components/alerts'
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const manifest = parse(read(`${folder}/rules.yaml`))
const rules: readonly Rule[] = manifest.spec.groups.flatMap(
  (group: { rules: readonly Rule[] }) => group.rules,
)
const pageOf = ({ alert }: Rule) => `docs/runbooks/${alert.replace(/^Tidewaiter/, '')}.md`
const metricsIn = (expr: string) => expr.match(/\btidewaiter_[a-z_]+/g) ?? []

/** Not there yet. Whoever makes one takes it off this list, or a test says so. */
const coming: readonly string[] = []

t.test('the component is made of all its files, which are out of Backups', async (t) => {
  const { resources } = parse(read(`${folder}/kustomization.yaml`))
  const files = readdirSync(join(root, folder)).filter((name) => name !== 'kustomization.yaml')
  t.same(files.sort(), [...resources].sort())
  const labels = { 'app.kubernetes.io/part-of': 'tidewaiter', 'velero.io/exclude-from-backup': 'true' }
  for (const file of files) t.match(parse(read(`${folder}/${file}`)).metadata.labels, labels, file)
})

t.test('what is promised is there', async (t) => {
  const names = new Set(rules.map(({ alert }) => alert))
  for (const name of ['HeldTooLong', 'ScheduleRefused', 'UndoStuck', 'GateOff', 'Unguarded'])
    t.ok(names.has(`Tidewaiter${name}`), name)
})

t.test('every metric of an alert is one that we have, with the labels it is summed by', async (t) => {
  const all = await createMetrics('1').registry.getMetricsAsJSON()
  const known = new Set(all.map(({ name }) => name))
  t.same(
    coming.filter((name) => known.has(name)),
    [],
    'these have come: take them off the list',
  )
  for (const { alert, expr } of rules) {
    const used = metricsIn(expr)
    t.ok(used.length > 0, alert)
    t.same(
      used.filter((name) => !known.has(name) && !coming.includes(name)),
      [],
      alert,
    )
  }
})

t.test('the pods are scraped so that the label namespace stays that of Velero', async (t) => {
  const { spec } = parse(read(`${folder}/pod-monitor.yaml`))
  t.same(spec.podMetricsEndpoints, [{ port: 'metrics', honorLabels: true }])
})

const headings = ['## What it means', '## How to see it', '## What to do', '## What not to do']
for (const rule of rules) {
  t.test(
    `${rule.alert} (${rule.labels['severity']}) says what to do, and its page says it whole`,
    async (t) => {
      t.match(rule.annotations, { summary: /\.$/, description: /\.$/, runbook: pageOf(rule) })
      t.match(rule.labels['severity'], /^(warning|critical)$/)
      const page = read(pageOf(rule))
      t.match(page, new RegExp(`^# ${rule.alert.replace(/^Tidewaiter/, '')}\n`))
      t.same(
        page.split('\n').filter((line) => line.startsWith('## ')),
        headings,
      )
      for (const [, commands = ''] of page.matchAll(/```sh\n([\s\S]*?)```/g))
        for (const line of commands.trim().split('\n')) t.match(line, /^(kubectl|tidewaiter|velero) /)
    },
  )
}

t.test('every page is that of an alert', async (t) => {
  const pages = new Set(rules.map(pageOf))
  t.same(
    readdirSync(join(root, 'docs/runbooks')).filter((name) => !pages.has(`docs/runbooks/${name}`)),
    [],
  )
})

t.test('what happens for the first time is seen: counters in alerts begin with 0', async (t) => {
  const text = await createMetrics('1').registry.metrics()
  for (const kind of ['Backup', 'Restore']) t.match(text, `tidewaiter_unguarded_total{kind="${kind}"} 0`)
})
