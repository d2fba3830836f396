// Collects field numbers from the generated.proto files of k8s.io/api and k8s.io/apimachinery into src/sandbox/apiserver/protobuf/fields.ndjson.
// usage: node test/sandbox/apiserver/collect-protobuf.mjs $(go env GOMODCACHE)/k8s.io/{api,apimachinery}@v0.36.3
import { globSync, readFileSync, writeFileSync } from 'node:fs'

if (process.argv.length < 3) throw new TypeError('wanted: one or more module folders; see the usage above')

const definitions = readFileSync(
  new URL('../../../src/sandbox/apiserver/schema/definitions.ndjson', import.meta.url),
  'utf8',
)
const known = new Set(
  definitions
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).name),
)
const named = (name) => name.replace(/^\.?k8s\.io\./, 'io.k8s.')
const messages = new Map()
for (const root of process.argv.slice(2)) {
  for (const file of globSync(`${root}/**/generated.proto`)) {
    const text = readFileSync(file, 'utf8')
    const home = named(/^package ([\w.]+);/m.exec(text)[1])
    for (const [, name, body] of text.matchAll(/^message (\w+) \{\n([\s\S]*?)^\}/gm)) {
      const full = (type) =>
        /^(string|bytes|bool|u?int32|u?int64|double)$/.test(type)
          ? type
          : type.includes('.')
            ? named(type)
            : `${home}.${type}`
      const fields = [
        ...body.matchAll(/^\s+(optional|repeated|map<string, ([\w.]+)>) ?([\w.]+) (\w+)?(?: ?= ?)(\d+)/gm),
      ].map(([, label, value, type, field, number]) =>
        label.startsWith('map')
          ? [Number(number), type, 'map', full(value)]
          : [Number(number), field, label, full(type)],
      )
      messages.set(`${home}.${name}`, fields)
    }
  }
}
const wanted = new Map()
const follow = (name) => {
  if (wanted.has(name) || !messages.has(name)) return
  wanted.set(name, messages.get(name))
  for (const [, , , type] of messages.get(name)) follow(type)
}
for (const name of known) follow(name)
// Bodies of subresources: their definitions are with those of their owners.
for (const name of ['autoscaling.v1.Scale', 'authentication.v1.TokenRequest']) follow(`io.k8s.api.${name}`)
const lines = [...wanted]
  .toSorted(([a], [b]) => (a < b ? -1 : 1))
  .map(([name, fields]) => JSON.stringify({ name, fields }))
writeFileSync(
  new URL('../../../src/sandbox/apiserver/protobuf/fields.ndjson', import.meta.url),
  `${lines.join('\n')}\n`,
)
