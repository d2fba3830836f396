/** Every alert says how bad it is, what it means and what to do, and a page says it whole; test/e2e puts them to promtool. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { parse } from 'yaml'
import { createMetrics } from '../../src/observe/metrics.ts'

type Rule = {
  readonly alert: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string; readonly next: string; readonly runbook: string }
}

const root = join(import.meta.dirname, '../..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const rules: readonly Rule[] = parse(read('deploy/components/monitoring/rules.yaml')).spec.groups.flatMap(
  (group: { readonly rules: readonly Rule[] }) => group.rules,
)
const shortOf = ({ alert }: Rule): string => alert.replace(/^Tidewaiter/, '')
const linesOf = (text: string, mark: RegExp) => text.split('\n').filter((line) => mark.test(line))

const ofAPage = ['## What it means', '## How to see it', '## What to do', '## What not to do']

/** What is written about an alert: a page of its own, or the section of a page by the anchor. */
function runbookOf(t: Test, rule: Rule): string {
  const [path = '', anchor] = rule.annotations.runbook.split('#')
  const page = read(path)
  if (anchor === undefined) {
    t.match(page, new RegExp(`^# ${shortOf(rule)}\n`))
    t.same(linesOf(page, /^## /), ofAPage)
    return page
  }
  t.equal(anchor, shortOf(rule).toLowerCase())
  return page.split(/^(?=## )/m).find((section) => section.startsWith(`## ${shortOf(rule)}\n`)) ?? ''
}

for (const rule of rules)
  t.test(`${rule.alert} (${rule.labels.severity}) says what it means and what to do`, async (t) => {
    const { severity } = rule.labels
    t.match(severity, /^(warning|critical)$/)
    t.match(rule.annotations, { summary: /\.$/, next: /^.{11,}/ })
    const text = runbookOf(t, rule)
    t.match(text, /\n1\. /, 'it says what to do first')
    const commands = [...text.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, all = '']) =>
      all.trim().split('\n'),
    )
    t.ok(commands.length > 0, 'it says how to see it')
    for (const line of commands) t.match(line, /^(kubectl|tidewaiter|velero) /)
    const row =
      read('docs/monitoring.md')
        .split('\n')
        .find((line) => line.includes(`[${rule.alert}](`)) ?? ''
    t.ok(
      row.includes(`(${rule.annotations.runbook.replace(/^docs\//, '')})`),
      'docs/monitoring.md leads there',
    )
    t.ok(row.split('|')[2]?.includes(severity), 'and says how bad it is')
  })

t.test('every page, and every section of one, is that of an alert', async (t) => {
  const asked = new Set(rules.map(({ annotations }) => annotations.runbook))
  const there = readdirSync(join(root, 'docs/runbooks')).flatMap((name) => {
    const path = `docs/runbooks/${name}`
    if (/^[A-Z]/.test(name)) return [path]
    return linesOf(read(path), /^## /).map((line) => `${path}#${line.slice(3).toLowerCase()}`)
  })
  t.same(there.sort(), [...asked].sort())
})

t.test('an alert is told once, or once for each severity', async (t) => {
  const told = rules.map(({ alert, labels }) => `${alert} ${labels.severity}`)
  t.same(told, [...new Set(told)])
})

t.test('what is promised is there', async (t) => {
  const names = new Set(rules.map(shortOf))
  for (const name of ['HeldTooLong', 'ScheduleRefused', 'UndoStuck', 'GateOff', 'Unguarded'])
    t.ok(names.has(name), name)
})

t.test(
  'what happens for the first time is seen: the counter of what ran unguarded begins with 0',
  async (t) => {
    const text = await createMetrics('1').registry.metrics()
    for (const kind of ['Backup', 'Restore']) t.match(text, `tidewaiter_unguarded_total{kind="${kind}"} 0`)
  },
)
