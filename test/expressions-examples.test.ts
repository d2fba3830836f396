/** Every example of docs/expressions.md may be applied, and gives what the page says. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { stages } from '../src/api/action.ts'
import { parseAction } from '../src/api/parse.ts'
import { sentenceOf } from '../src/api/problems.ts'
import { createCel } from '../src/cel/cel.ts'
import { checkAction, doubtsOf } from '../src/core/action-check.ts'
import { renderBody, renderHeader, renderUrl, type Evaluate } from '../src/core/render.ts'
import { variableNames } from '../src/core/run/variables.ts'
import { withDefaults } from '../src/core/velero.ts'
import { aBackup, aRestore } from './support/build.ts'
import { projectRoot } from './support/generate.ts'

const page = readFileSync(join(projectRoot, 'docs/expressions.md'), 'utf8')
const cel = createCel()
const tools = { checkExpression: cel.check, unknownFields: cel.unknownFields, parsePem: () => undefined }

type Objects = Readonly<Record<string, Readonly<Record<string, unknown>>>>
const objects = parse(/^```yaml objects\n([\s\S]*?)^```/m.exec(page)?.[1] ?? '{}') as Objects

type Example = { readonly where: string; readonly write: string; readonly gives: string }

/** The rows of a section's table. */
function examplesOf(section: string): readonly Example[] {
  const [, text = ''] =
    new RegExp(`^### ${section}.*\\n([\\s\\S]*?)(?=^##|$(?![\\s\\S]))`, 'm').exec(page) ?? []
  return [...text.matchAll(/^\| (\w+) +\| `(.*?)` +\| `(.*?)` +\|$/gm)].map(
    ([, where = '', write = '', gives = '']) => ({ where, write: write.replaceAll('\\|', '|'), gives }),
  )
}

/** What the expressions of a stage see: before, there is no status. */
function valuesOf(stage: string): Readonly<Record<string, unknown>> {
  const kind = stage.endsWith('Backup') ? 'Backup' : 'Restore'
  const { status, ...given } = objects[kind.toLowerCase()] ?? {}
  const whole = stage.startsWith('Pre') ? given : { ...given, status }
  const { apiVersion } = kind === 'Backup' ? aBackup() : aRestore()
  const object = withDefaults(kind, { apiVersion, kind, ...whole }, { storageLocation: 'default' })
  const values = {
    backup: object,
    restore: object,
    outputs: objects['outputs'],
    exported: objects['exported'],
    stage,
  }
  return Object.fromEntries(variableNames(stage).map((name) => [name, values[name as 'backup']]))
}

const specs: Readonly<Record<string, (write: string) => object>> = {
  match: (expression) => ({ match: { expression } }),
  url: (url) => ({ http: { url } }),
  header: (value) => ({ http: { url: 'https://a.example/', headers: [{ name: 'x', value }] } }),
  body: (body) => ({ http: { url: 'https://a.example/', body } }),
  output: (expression) => ({ outputs: [{ name: 'x', expression }] }),
}

function applied(stage: string, { where, write }: Example): readonly string[] {
  const spec = { stage, http: { url: 'https://a.example/' }, ...specs[where]?.(write) }
  const metadata = { name: 'a', namespace: 'velero', uid: 'u', resourceVersion: '1', generation: 1 }
  const parsed = parseAction({ apiVersion: 'tidewaiter.io/v1beta1', kind: 'Action', metadata, spec })
  if ('problems' in parsed) return parsed.problems.map(sentenceOf)
  return [...checkAction(parsed.ok.spec, tools).map(sentenceOf), ...doubtsOf(parsed.ok.spec, tools)]
}

function given(stage: string, { where, write }: Example): string {
  const values = valuesOf(stage)
  const over =
    (seen: Readonly<Record<string, unknown>>): Evaluate =>
    (source) =>
      cel.evaluate(source, seen)
  const asJson = (result: ReturnType<Evaluate>) => ('ok' in result ? JSON.stringify(result.ok) : result.error)
  if (where === 'output') return asJson(over({ response: objects['response'] })(write))
  if (where === 'match') {
    // As at CREATE: one variable, and no status at any stage.
    const [name = ''] = variableNames(stage)
    return asJson(over({ [name]: valuesOf(stage.replace('Post', 'Pre'))[name] })(write))
  }
  const render = { url: renderUrl, header: renderHeader, body: renderBody }[where as 'url']
  const rendered = render(write, over(values))
  return 'ok' in rendered ? rendered.ok : rendered.problem
}

for (const section of [...stages, 'Outputs']) {
  const stage = section === 'Outputs' ? 'PreBackup' : section
  const examples = examplesOf(section)
  t.test(`${section} has at least three examples`, async (t) => {
    t.ok(examples.length >= 3, String(examples.length))
  })
  for (const example of examples)
    t.test(`${section}, ${example.where}: ${example.write}`, async (t) => {
      t.same(applied(stage, example), [], 'it may be applied')
      t.equal(given(stage, example), example.gives)
    })
}

t.test('every row of every table of examples is one of them', async (t) => {
  const [, text = ''] = page.split('## Examples')
  const rows = text.split('## Functions')[0]?.match(/^\| (?!where|-)/gm) ?? []
  const found = [...stages, 'Outputs'].flatMap(examplesOf)
  t.equal(found.length, rows.length)
})
