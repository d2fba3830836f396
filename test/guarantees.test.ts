/** docs/guarantees.md: every promise is shown by tests, and every test that it names is there. */
import { existsSync, readFileSync } from 'node:fs'
import t from 'tap'

const text = readFileSync('docs/guarantees.md', 'utf8')
const [promises = ''] = text.split('\n## What is not promised')

/** A test by its file and title; `…` stands for what differs from case to case. */
const shown = [...promises.matchAll(/^- `(test\/[^`]+)`: (.+)$/gm)].map(([, file = '', title = '']) => ({
  file,
  title,
}))

const escaped = (part: string) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll("'", "\\\\?'")

/** Whether the file has a test, or a row of a table of tests, of this name. */
function isThere({ file, title }: (typeof shown)[number]): boolean {
  const name = title.split('…').map(escaped).join('[^\\n]+')
  // A name starts where its quotes do, and ends with them.
  return existsSync(file) && new RegExp(`(['"\`])${name}\\1`).test(readFileSync(file, 'utf8'))
}

t.test('every test that the guarantees name is there', async (t) => {
  t.ok(shown.length > 60, `${shown.length} are named`)
  t.same(
    shown.filter((one) => !isThere(one)).map(({ file, title }) => `${file}: ${title}`),
    [],
  )
})

t.test('a name that is not there is found out', async (t) => {
  const [file, title] = ['test/control/hold.test.ts', 'its actions run, then it is let go']
  t.notOk(isThere({ file, title }))
  t.notOk(isThere({ file: 'test/none.test.ts', title }))
})

t.test('every promise is shown by a test', async (t) => {
  const parts = promises.split('\n### ').slice(1)
  t.same(
    parts.filter((part) => !/^- `test\//m.test(part)).map((part) => part.split('\n')[0]),
    [],
  )
})

t.test('every list item of a promise names a test', async (t) => {
  t.equal(shown.length, [...promises.matchAll(/^- /gm)].length)
})
