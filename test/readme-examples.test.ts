/** Every Action that the README, the docs and the examples show can be applied as it stands. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parseAllDocuments } from 'yaml'
import { parseAction } from '../src/api/parse.ts'
import { sentenceOf } from '../src/api/problems.ts'
import { createCel } from '../src/cel/cel.ts'
import { checkAction, doubtsOf } from '../src/core/action-check.ts'
import { projectRoot } from './support/generate.ts'

const pages = [
  'README.md',
  ...readdirSync(join(projectRoot, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
  'examples/stop-writers/action.yaml',
]
const cel = createCel()

/** The Actions in the code blocks of a page, and in its here-documents. */
function actionsIn(page: string): readonly unknown[] {
  const text = readFileSync(join(projectRoot, page), 'utf8')
  const blocks = [
    ...text.matchAll(/^(?:```ya?ml[^\n]*\n([\s\S]*?)^```|kubectl apply -f - <<'?EOF'?\n([\s\S]*?)^EOF)/gm),
  ]
  const sources = page.endsWith('.yaml') ? [text] : blocks.map(([, yaml, here]) => yaml ?? here ?? '')
  // YAML 1.1, as kubectl reads it: a bare `on` or `429` is no text there.
  return sources.flatMap((source) =>
    parseAllDocuments(source, { version: '1.1' })
      .map((one) => one.toJS() as { readonly kind?: string })
      .filter((one) => one?.kind === 'Action'),
  )
}

for (const page of ['README.md', 'docs/actions.md', 'examples/stop-writers/action.yaml'])
  t.ok(actionsIn(page).length > 0, page)
for (const page of pages) {
  for (const [index, action] of actionsIn(page).entries()) {
    t.test(`Action ${index + 1} of ${page} can be applied`, async (t) => {
      const parsed = parseAction(action)
      t.same('problems' in parsed ? parsed.problems.map(sentenceOf) : [], [])
      if (!('ok' in parsed)) return
      const tools = {
        checkExpression: cel.check,
        unknownFields: cel.unknownFields,
        parsePem: () => undefined,
      }
      t.same(checkAction(parsed.ok.spec, tools).map(sentenceOf), [])
      t.same(doubtsOf(parsed.ok.spec, tools), [])
    })
  }
}
