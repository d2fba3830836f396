import t from 'tap'
import { checkExpression } from '../../../../src/sandbox/apiserver/cel/check.ts'
import { excess } from '../../../../src/sandbox/apiserver/cel/cost.ts'
import { nodes } from '../../../../src/sandbox/apiserver/schema/definitions.ts'

const text = { type: 'string' }
const scope = new Map([
  [
    'self',
    nodes.of({
      type: 'object',
      properties: {
        name: text,
        'dashed-name': text,
        count: { type: 'integer' },
        open: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
        list: { type: 'array', items: { type: 'object', properties: { a: text } } },
        short: { type: 'array', maxItems: 10, items: text },
        map: { type: 'object', additionalProperties: text },
      },
    }),
  ],
])
const check = (expression: string) => checkExpression(expression, { scope, type: 'bool' })

const good = [
  `self.name == 'x'`,
  `self.dashed__dash__name == 'x'`,
  `has(self.name) && self.?name.orValue('') != ''`,
  `self.open.anything.at.all == 1`,
  `self.list.all(x, x.a.startsWith('a'))`,
  `self.list.exists(x, self.short.exists(y, x.a == y))`,
  `self.map.all(k, self.map[k] != k)`,
  `type(self.count) == int`,
  `self.count + 1 > 2`,
]
for (const expression of good) {
  t.test(`${expression} is taken`, async (t) => {
    t.match(check(expression), { ast: {} })
  })
}

const bad = {
  [`self.nothing == 1`]: { problem: /1:5: undefined field 'nothing'/ },
  [`self.list.all(x, x.b == '')`]: { problem: /undefined field 'b'/ },
  [`has(self.nothing)`]: { problem: /undefined field 'nothing'/ },
  [`other == 1`]: { problem: /1:1: undeclared reference to 'other' \(in container ''\)/ },
  [`self.list.all(x, true) && x`]: { problem: /1:27: undeclared reference to 'x'/ },
  [`self.name.x`]: { problem: /1:10: type 'string' does not support field selection/ },
  [`self.name == 1`]: { problem: /found no matching overload for '_==_' applied to '\(string, int\)'/ },
  [`self.name.matches('(')`]: { problem: /1:19: invalid matches argument/ },
  [`self.name ==`]: { problem: /1:13: Syntax error: mismatched input '<EOF>'/ },
  [`self.name`]: { type: 'string' },
  [`self.count * 2`]: { type: 'int' },
}
for (const [expression, want] of Object.entries(bad)) {
  t.test(`${expression} is refused`, async (t) => {
    t.match(check(expression), want)
  })
}

const costs = {
  [`self.list.all(x, x.a != '')`]: false,
  [`self.list.all(x, self.short.exists(y, y == x.a))`]: true,
  [`self.short.all(x, self.short.all(y, x == y))`]: false,
  [`self.list.all(x, self.list.all(y, x.a == y.a))`]: true,
}
for (const [expression, want] of Object.entries(costs)) {
  t.test(`${expression} ${want ? 'may cost too much' : 'is cheap enough'}`, async (t) => {
    const checked = check(expression)
    t.equal('ast' in checked && excess(checked.ast, scope, 1) !== undefined, want)
  })
}
