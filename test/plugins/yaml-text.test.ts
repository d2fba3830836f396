/** YAML that is read: its lines, its bounds, and what hostile texts come to. */
import t from 'tap'
import { longestText, mostDocuments, readYaml } from '../../src/plugins/yaml-text.ts'

const one = (text: string) => {
  const { documents, problems } = readYaml(text)
  t.same(problems, [])
  const [document] = documents
  if (document === undefined) throw new Error('no document')
  return document
}

t.test('every document is read, empty ones are left out', async (t) => {
  const { documents } = readYaml('---\n---\na: 1\n---\n# nothing\n---\n{"b": [2]}\n...\n')
  t.same(
    documents.map(({ value }) => value),
    [{ a: 1 }, { b: [2] }],
  )
  t.same(readYaml(''), { documents: [], problems: [] })
})

t.test('a field has the line of its key, a missing one that of the nearest part that is there', async (t) => {
  const { lineOf } = one('a:\n  b:\n    - c: 1\n      d:\n        text\nx.y: 1\nlist:\n  -\n    - z\n')
  const lines = {
    'a.b[0].c': 3,
    'a.b[0].d': 4,
    'a.b[0].e.f': 3,
    'a.b[7]': 2,
    'list[0][0]': 9,
    nothing: 1,
    '': 1,
  }
  for (const [path, line] of Object.entries(lines)) t.equal(lineOf(path), line, path)
})

t.test('lines count on through the documents of a text', async (t) => {
  const { documents } = readYaml('a: 1\n---\nb:\n  c: 2\n')
  t.equal(documents[1]?.lineOf('b.c'), 4)
})

t.test('a key with dots is found in brackets, and a block of text by the line before it', async (t) => {
  const { lineOf, blockAt } = one('data:\n  config.yaml: |\n    x: 1\n  short: "x: 1"\n')
  t.equal(lineOf('data[config.yaml]'), 2)
  t.equal(blockAt('data[config.yaml]'), 2)
  t.equal(blockAt('data.short'), undefined)
})

t.test('anchors and merges are followed', async (t) => {
  t.match(one('base: &b {a: 1}\nnext:\n  <<: *b\n  c: 2\n').value, { next: { a: 1, c: 2 } })
})

const wrong: Readonly<Record<string, { readonly given: string; readonly want: object }>> = {
  'a text that is not YAML': { given: 'a: 1\nb: [1\n', want: { line: 3, message: /^cannot be read: .*\]/ } },
  'a tab that indents': { given: 'a:\n\tb: 1\n', want: { line: 2, message: /^cannot be read: Tabs/ } },
  'a key that is there twice': {
    given: 'a: 1\nb:\n  c: 1\n  c: 2\n',
    want: { line: 4, message: 'has the key c twice' },
  },
  'an alias to nothing': { given: 'a: *b\n', want: { message: /^cannot be read: / } },
  'more than is read': {
    given: 'a'.repeat(longestText + 1),
    want: { message: /at most 1048576 characters/ },
  },
  'too many documents': {
    given: '--- 1\n'.repeat(mostDocuments + 1),
    want: { message: /at most 1000 documents, got 1001/ },
  },
  'aliases of aliases that would be gigabytes': {
    given: [
      'a: &a [x,x,x,x,x,x,x,x,x]',
      ...[...'bcdefghij'].map(
        (name, i) => `${name}: &${name} [${Array(9).fill(`*${'abcdefghij'[i]}`).join(',')}]`,
      ),
    ].join('\n'),
    want: { message: /^cannot be read: Excessive alias count/ },
  },
  'brackets without end': { given: '['.repeat(20_000), want: { message: /^cannot be read: / } },
  'explicit keys without end': {
    given: '? '.repeat(500_000),
    want: { line: 1, message: /at most 64 explicit keys/ },
  },
}

for (const [name, { given, want }] of Object.entries(wrong)) {
  t.test(`${name} is told in a line, not done`, async (t) => {
    const { documents, problems } = readYaml(given)
    t.same(documents, [])
    t.match(problems[0], want)
    t.ok(
      problems.length <= 16 &&
        problems.every(({ message }) => !message.includes('\n') && message.length < 300),
    )
  })
}

t.test('one document that is wrong does not hide the problems of the next', async (t) => {
  const { documents, problems } = readYaml('a: 1\na: 2\n---\nb: 1\n---\nc: 1\nc: 2\n')
  t.same(
    documents.map(({ value }) => value),
    [{ b: 1 }],
  )
  t.same(
    problems.map(({ line }) => line),
    [2, 7],
  )
})

t.test('a key named __proto__ is a key', async (t) => {
  t.same(Object.keys(one('__proto__: {a: 1}\n').value as object), ['__proto__'])
})
