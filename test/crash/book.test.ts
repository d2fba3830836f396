/** What was covered is found again by the next run of the same code, and by no other. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Book, codeOf } from './book.ts'
import { Coverage } from './coverage.ts'

const covered = (): Coverage => {
  const coverage = new Coverage()
  coverage.see({ scenario: 'held', site: 'get backups', phase: 'x', after: [] })
  return coverage
}

t.test('what was kept is found again, each part by itself', async (t) => {
  const file = join(t.testdir(), 'deep/covered.json')
  new Book(file, () => 'a').keep('runs', covered())
  const book = new Book(file, () => 'a')
  t.equal(book.goOn(), undefined)
  t.same(book.of('runs'), covered().entries())
  t.same(book.of('first-start'), [])
  book.keep('first-start', new Coverage())
  t.equal(new Coverage(undefined, book.of('runs')).summary().traced.triples, 6, 'the other part stays')
})

t.test('of other code, or broken: it says why, and nothing counts as covered', async (t) => {
  const file = join(t.testdir(), 'covered.json')
  const book = new Book(file, () => 'b')
  t.match(book.goOn(), /cannot be read: ENOENT/)
  new Book(file, () => 'a').keep('runs', covered())
  t.match(book.goOn(), /is of other code \(a; this is b\)/)
  writeFileSync(file, readFileSync(file, 'utf8').slice(0, 40))
  t.match(book.goOn(), /cannot be read: .*JSON/)
  t.same(book.of('runs'), [])
})

t.test('what cannot be kept is said, and what was kept stays', async (t) => {
  const file = join(t.testdir(), 'covered.json')
  let code = 'a'
  const book = new Book(file, () => code)
  t.equal(book.keep('runs', covered()), undefined)
  code = 'b'
  t.match(book.keep('runs', new Coverage()), /the code was changed while it ran/)
  const again = new Book(file, () => 'a')
  t.equal(again.goOn(), undefined)
  t.equal(again.of('runs').length, 6)
  t.match(new Book(join(file, 'beneath'), () => 'a').keep('runs', covered()), /EEXIST|ENOTDIR/)
})

t.test('code is another when a file of it is; tests and notes do not matter', async (t) => {
  const folder = t.testdir({ 'a.ts': '1', b: { 'c.ts': '2' }, 'README.md': 'x', 'a.test.ts': 'x' })
  const before = codeOf([folder])
  writeFileSync(join(folder, 'README.md'), 'y')
  writeFileSync(join(folder, 'a.test.ts'), 'y')
  t.equal(codeOf([folder]), before)
  writeFileSync(join(folder, 'b/c.ts'), '3')
  t.not(codeOf([folder]), before)
})
