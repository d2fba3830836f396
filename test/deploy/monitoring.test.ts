/** Alerts and the board speak only of metrics and labels that there are, and docs/monitoring.md of every alert; test/e2e puts them to promtool. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { everyMetric } from '../support/pages.ts'

const root = join(import.meta.dirname, '../..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')

type Rule = {
  readonly alert: string
  readonly expr: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string; readonly next: string }
}
const rules: readonly Rule[] = parse(read('deploy/components/monitoring/rules.yaml')).spec.groups.flatMap(
  (group: { readonly rules: readonly Rule[] }) => group.rules,
)
type Panel = { readonly title: string; readonly targets?: readonly { readonly expr: string }[] }
const panels: readonly Panel[] = JSON.parse(read('deploy/components/monitoring/board.json')).panels
const expressions: readonly (readonly [string, string])[] = [
  ...rules.map(({ alert, expr }) => [alert, expr] as const),
  ...panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [title, expr] as const)),
]

/** The labels of each sample, by its name. */
const labels = new Map(
  everyMetric().flatMap((metric) => {
    const { name, labelNames = [] } = metric as unknown as { name: string; labelNames?: readonly string[] }
    const all = new Set(labelNames)
    return [
      [name, all],
      [`${name}_bucket`, new Set([...all, 'le'])],
      [`${name}_sum`, all],
      [`${name}_count`, all],
    ] as const
  }),
)
// What a scrape adds: of which pod it is.
const added = new Set(['pod'])

t.test('what it brings is out of Backups, and is found by the label of the rest', async (t) => {
  const labels = { 'app.kubernetes.io/part-of': 'tidewaiter', 'velero.io/exclude-from-backup': 'true' }
  const { resources, configMapGenerator } = parse(read('deploy/components/monitoring/kustomization.yaml'))
  for (const file of resources)
    t.match(parse(read(`deploy/components/monitoring/${file}`)).metadata.labels, labels, file)
  t.match(configMapGenerator, [{ options: { labels: { ...labels, grafana_dashboard: '1' } } }])
})

t.test('there are alerts and panels', async (t) => {
  t.ok(rules.length > 10)
  t.ok(panels.length > 10)
})

for (const [about, expression] of expressions)
  t.test(`${about} asks for metrics and labels that there are`, async (t) => {
    const used = [...expression.matchAll(/\btidewaiter_\w+(?:\{([^}]*)\})?/g)]
    const plain = expression.replaceAll(/\{[^}]*\}/g, '')
    const names = used.map(([text]) => /^\w+/.exec(text)?.[0] ?? '')
    for (const name of names) t.ok(labels.has(name), name)
    const known = new Set([...names.flatMap((name) => [...(labels.get(name) ?? [])]), ...added])
    for (const [text, matchers = ''] of used)
      for (const [, label = ''] of matchers.matchAll(/(\w+)[=!]/g))
        t.ok(known.has(label), `${label} in ${text}`)
    for (const [, list = ''] of plain.matchAll(/\b(?:by|on|ignoring) \(([^)]*)\)/g))
      for (const label of list.split(', ')) t.ok(known.has(label), `${label} of ${about}`)
  })

t.test('every alert says how bad it is, what it means and what to do, here and in the docs', async (t) => {
  const page = read('docs/monitoring.md')
  for (const { alert, labels, annotations } of rules) {
    t.match(labels.severity, /^(warning|critical)$/, alert)
    t.ok(annotations.summary.endsWith('.') && annotations.next.length > 10, alert)
    t.match(page, `| \`${alert}\``)
  }
})
