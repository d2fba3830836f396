/** What the component brings: alerts and a board that ask for metrics and labels that there are, and a scrape that keeps them. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { everyMetric } from '../support/pages.ts'

const root = join(import.meta.dirname, '../..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')

type Rule = { readonly alert: string; readonly expr: string }
const rules: readonly Rule[] = parse(read('deploy/components/monitoring/rules.yaml')).spec.groups.flatMap(
  (group: { readonly rules: readonly Rule[] }) => group.rules,
)
type Panel = {
  readonly id: number
  readonly title: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: readonly { readonly expr: string }[]
}
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

t.test('every file of the component is part of it', async (t) => {
  const folder = 'deploy/components/monitoring'
  const { resources } = parse(read(`${folder}/kustomization.yaml`))
  const files = readdirSync(join(root, folder)).filter((name) => name !== 'kustomization.yaml')
  t.same(files.sort(), [...resources, 'board.json'].sort())
})

t.test('replicas and dashboard are scraped so that the label namespace stays that of Velero', async (t) => {
  const { spec } = parse(read('deploy/components/monitoring/pod-monitor.yaml'))
  t.match(spec.podMetricsEndpoints, [{ port: 'metrics', honorLabels: true }])
  for (const file of ['base/deployment.yaml', 'components/dashboard/deployment.yaml']) {
    const { template } = parse(read(`deploy/${file}`)).spec
    t.match(template.metadata.labels, spec.selector.matchLabels, file)
    t.ok(
      template.spec.containers[0].ports.some(({ name }: { readonly name: string }) => name === 'metrics'),
      file,
    )
  }
})

t.test('panels stand beside each other, and each has a number of its own', async (t) => {
  const numbers = panels.map(({ id }) => id)
  t.same(numbers, [...new Set(numbers)])
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, i) => `${x + (i % w)},${y + Math.floor(i / w)}`),
  )
  t.equal(new Set(cells).size, cells.length)
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
