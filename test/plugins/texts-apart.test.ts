import t from 'tap'
import { documentsApart, longestApart } from '../../src/plugins/texts-apart.ts'
import { systemClock } from '../../src/system-clock.ts'
import { whenThorough } from '../support/runs.ts'

const config = (more: string) => `apiVersion: embeddedcluster.replicated.com/v1beta1
kind: Config
metadata: {name: app}
spec: {extensions: {velero: {plugins: [{name: listed, image: "ghcr.io/acme/plugin:1"}]}}}
${more}`
const texts = (...all: readonly string[]) => ({
  label: 'ConfigMap velero/plugins',
  texts: all.map((text, index) => ({ path: `data[${index}]`, text })),
})
const never = new AbortController().signal
const read = (given: ReturnType<typeof texts>, signal = never) =>
  documentsApart(given, { clock: systemClock, signal })

const padding = Array.from({ length: 4000 }, (_, index) => `# ${index}`).join('\n')

t.test('a large text is read as a small one', async (t) => {
  const small = await read(texts(config('')))
  t.match(small, [
    { label: 'ConfigMap velero/plugins (Config app)', plugins: [{ name: 'listed' }], problems: [] },
  ])
  t.same(await read(texts(config(padding))), small)
})

t.test('what cannot be read is a problem with its line, beside what can', async (t) => {
  for (const more of ['', padding]) {
    const found = await read(texts(config(more), 'a: ['))
    t.match(found, [
      { plugins: [{ name: 'listed' }] },
      {
        label: 'ConfigMap velero/plugins',
        plugins: [],
        problems: [{ path: 'data[1]', want: /^hold YAML that can be read: line 1 cannot be read/ }],
      },
    ])
  }
})

t.test('hostile text stops nobody else while it is read', async (t) => {
  const hostile = texts(`embeddedcluster.replicated.com/ ${'\t: }\n'.repeat(20_000)}`)
  let longest = 0
  const began = performance.now()
  let last = began
  const look = () => {
    longest = Math.max(longest, performance.now() - last)
    last = performance.now()
  }
  const watching = setInterval(look, 5)
  const found = await read(hostile)
  clearInterval(watching)
  look()
  const took = performance.now() - began
  t.match(found, [{ problems: [{ want: /^(hold YAML that can be read|be read)/ }] }])
  // Read here, it would stand still for all that time; a machine that is slow lets it wait too.
  t.ok(
    longest < took / 2 + 100,
    `the event loop stood still for ${Math.round(longest)} of ${Math.round(took)} ms`,
  )
})

t.test('a reading ends with its deadline, and with the signal', async (t) => {
  const slow = texts(config(padding))
  const late = { ...systemClock, abortAfter: () => ({ signal: AbortSignal.timeout(1), release: () => {} }) }
  t.match(await documentsApart(slow, { clock: late, signal: never }), [
    { problems: [{ want: 'be read within 10 s: make it smaller' }] },
  ])
  const given = new AbortController()
  const reading = read(slow, given.signal)
  given.abort(new Error('stopping'))
  await t.rejects(reading, { message: 'stopping' })
})

// A list of half a million items ended the whole process: a thread's limit of memory does not hold for every allocation.
t.test('a text that is too long is not read at all, and told', whenThorough, async (t) => {
  const list = (length: number) => config(`more: [${'a,'.repeat(length / 2)}]`).slice(0, length)
  t.match(await read(texts(list(1024 * 1024))), [
    {
      label: 'ConfigMap velero/plugins',
      plugins: [],
      problems: [{ path: 'data[0]', want: /^have at most 131072 characters/, got: 1024 * 1024 }],
    },
  ])
  t.match(await read(texts(list(longestApart / 2), list(longestApart / 2 + 1))), [
    { problems: [{ got: longestApart + 1 }] },
  ])
  const before = process.memoryUsage.rss()
  t.match(await read(texts(list(longestApart))), [{ label: 'ConfigMap velero/plugins' }])
  const grownMb = (process.memoryUsage.rss() - before) / 2 ** 20
  t.ok(grownMb < 250, `the longest that is read took ${Math.round(grownMb)} MB`)
})

t.test('texts are read one after another, and who gives up holds up nobody', async (t) => {
  const ended: string[] = []
  const given = new AbortController()
  const one = async (name: string, signal = never) => {
    await read(texts(config(padding)), signal)
    ended.push(name)
  }
  const [first, second, third] = [one('first'), one('second', given.signal), one('third')]
  given.abort(new Error('gone'))
  await t.rejects(second, { message: 'gone' })
  await Promise.all([first, third])
  t.same(ended, ['first', 'third'])
})
