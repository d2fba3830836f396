/** docs/egress.md says what is refused as the code has it, and the limits that the code has. */
import { readFileSync } from 'node:fs'
import t from 'tap'
import { judge } from '../src/core/egress.ts'
import { loopback, never, reserved, type Sort } from '../src/core/egress-ranges.ts'
import { parseAddress } from '../src/net/address.ts'
import { connectTimeoutMs } from '../src/net/egress.ts'
import { defaultMaxResponseBytes, largeBody, longestHeader, mostLarge } from '../src/net/exchange.ts'
import { mostBefore } from '../src/net/meter.ts'
import { mostCalls, mostCallsPerHost } from '../src/net/places.ts'

const page = readFileSync('docs/egress.md', 'utf8')
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| '))
  .map((line) => line.split('|').map((cell) => cell.trim()))
const row = (first: string) => rows.find(([, what]) => what === first)

const code = (ranges: readonly string[]) => ranges.map((range) => `\`${range}\``).join(', ')
const cell = ({ ranges, except }: Sort) =>
  except === undefined ? code(ranges) : `${code(ranges)}, without ${code(except)}`

/** What is said of each address: the first and the last of a range. */
const said = (range: string, allowed: boolean) => {
  const address = parseAddress(range.split('/')[0] ?? '')
  if (address === undefined) throw new TypeError(range)
  const rules = {
    inCluster: true,
    refusedAddresses: () => [],
    allowNames: allowed ? ['a.test'] : [],
    onlyTo: [],
  }
  const judged = judge({ host: 'a.test', port: 443, address }, rules, parseAddress)
  return 'refused' in judged ? judged.refused : 'let through'
}

t.test('the table has each sort of address with its ranges and nothing else', async (t) => {
  for (const sort of never) t.same(row(sort.what)?.slice(1, 4), [sort.what, cell(sort), 'nothing'])
  const inCluster = `${loopback.what}, in a cluster`
  t.same(row(inCluster)?.slice(1, 4), [inCluster, cell(loopback), '`--egress-allow`'])
  t.same(row(reserved.what)?.slice(1, 4), [reserved.what, cell(reserved), '`--egress-allow`'])
  const named = rows.filter(([, , , by]) => by === 'nothing' || by === '`--egress-allow`')
  t.equal(named.length, never.length + 3, 'loopback, reserved, API server and nodes')
})
t.test('each range of the table is refused, and opened by what it says', async (t) => {
  for (const [, what = '', ranges = '', by] of rows) {
    if (by !== 'nothing' && by !== '`--egress-allow`') continue
    for (const [, range = ''] of (ranges.split(', without')[0] ?? '').matchAll(/`([^`]+)`/g)) {
      t.not(said(range, false), 'let through', `${what} ${range}`)
      // Its first address is unspecified, whatever else is in it.
      if (range !== '::/8') t.equal(said(range, true) === 'let through', by !== 'nothing', `${what} ${range}`)
    }
  }
})
t.test('the limits are those of the code', async (t) => {
  const kib = (bytes: number) => `${bytes / 1024} KiB`
  const limits: Readonly<Record<string, string>> = {
    'looking up, connecting, CONNECT and TLS': `${connectTimeoutMs / 1000} s together`,
    'headers, trailers': kib(longestHeader),
    'all that comes before the answer': kib(mostBefore),
    body: `${defaultMaxResponseBytes / 1_048_576} MiB (registries: what is asked)`,
    'calls at once, to one host and port': mostCallsPerHost.toLocaleString('en'),
    'calls at once, in all': mostCalls.toLocaleString('en'),
    [`answers of more than ${kib(largeBody)} that are read at once`]: String(mostLarge),
  }
  for (const [what, much] of Object.entries(limits)) t.equal(row(what)?.[2], much, what)
})
