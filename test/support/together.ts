/**
 * Test files that run one after another in one process. Starting Node and tap for each of them took longer than most of their tests.
 * Each file is a test with the file's name, and what the file does to `t` it does to that test.
 * A file knows nothing of it, and `tap FILE` runs it alone, as ever.
 */
import { globSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t, { type Test } from 'tap'

const tests = new Map<string, Test>()
const asked = new Set<string>()

// Whichever file imports tap gets the test that is its own.
registerHooks({
  resolve: (specifier, context, next) => {
    const file = specifier === 'tap' ? context.parentURL : undefined
    if (file === undefined || !tests.has(file)) return next(specifier, context)
    const url = new URL('own-test.ts', import.meta.url)
    url.searchParams.set('of', file)
    return { url: url.href, shortCircuit: true }
  },
})

/** The test of a file, by what own-test.ts was imported as. */
export function testOf(importedAs: string): Test {
  const file = new URL(importedAs).searchParams.get('of') ?? importedAs
  const test = tests.get(file)
  if (test === undefined) throw new Error(`wanted a file that runs together with others, got ${file}`)
  asked.add(file)
  return test
}

/** Runs the test files that match, in the order of their names. */
export function together(...patterns: readonly string[]): void {
  for (const file of globSync(patterns).sort()) {
    const { href } = pathToFileURL(join(process.cwd(), file))
    t.test(file, async (t) => {
      tests.set(href, t)
      await import(href)
      if (!asked.has(href))
        t.fail('a test file imports tap, and is imported by no other: this one had no test')
    })
  }
}
