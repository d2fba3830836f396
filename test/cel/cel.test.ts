import t from 'tap'
import { createCel } from '../../src/cel/cel.ts'

const cel = createCel()
const backup: unknown = JSON.parse(`{
  "metadata": {"name": "b1", "labels": {"tier": "prod", "shop.io/size": "4"}},
  "spec": {"storageLocation": "eu", "count": 3, "ratio": 1.5, "whole": 2.0, "big": 1e300, "ttl": "720h0m0s", "none": null,
           "includedNamespaces": ["shop-a", "shop-b"], "list": [1, "a", 2.5]}
}`)
const names = ['backup', 'outputs']

const gives: Readonly<Record<string, readonly (readonly [string, unknown])[]>> = {
  'fields of JSON are selected': [
    ['backup.spec.storageLocation', 'eu'],
    ["backup.metadata.labels['shop.io/size']", '4'],
    ['backup.spec.includedNamespaces[1]', 'shop-b'],
    ['backup.spec.none == null', true],
    ['backup.spec', (backup as { spec: unknown }).spec],
  ],
  'a whole number of JSON is an int, any other a double': [
    ['backup.spec.count == 3', true],
    ['backup.spec.count + 1', 4],
    ['backup.spec.count / 2', 1],
    ['backup.spec.count % 2', 1],
    ['type(backup.spec.count) == int', true],
    ['type(backup.spec.ratio) == double', true],
    ['type(backup.spec.whole) == int', true],
    ['backup.spec.ratio * 2.0', 3],
    ['backup.spec.ratio > 1', true],
    ['backup.spec.count < 3.5', true],
    ['backup.spec.count in [1, 2, 3]', true],
    ['3 in [1, backup.spec.count]', true],
    ['3.0 in [backup.spec.count]', true],
    ['1 in backup.spec.list', true],
    ['backup.spec.big > 9223372036854775807', true],
    ['backup.spec.list == [1, "a", 2.5]', true],
    ['backup.spec.includedNamespaces[backup.spec.count - 3]', 'shop-a'],
  ],
  'what may be absent is asked for': [
    ['backup.spec.?labels.orValue({})', {}],
    ["backup.spec.?a.?b.orValue('x')", 'x'],
    ["backup.spec[?'storageLocation'].orValue('x')", 'eu'],
    ['backup.spec.includedNamespaces[?9].orValue("x")', 'x'],
    ['backup.?spec.storageLocation.orValue("x")', 'eu'],
    ['backup.spec.?a.or(backup.spec.?count).value()', 3],
    ['backup.spec.?a.hasValue()', false],
    ['optional.of(1).orValue(2)', 1],
    ['optional.none().orValue(2)', 2],
    ['optional.of(1)', 1],
    ['backup.?spec.?a.b.orValue(3)', 3],
    ['backup.spec.?a.b.orValue(4)', 4],
    ['has(backup.spec.labels)', false],
    ['has(backup.spec.count) && !has(backup.spec.?a.b)', true],
    ["'tier' in backup.metadata.labels", true],
  ],
  'comprehensions run over lists and the keys of maps': [
    ["backup.spec.includedNamespaces.exists(n, n == 'shop-b')", true],
    ["backup.spec.includedNamespaces.all(n, n.startsWith('shop-'))", true],
    ['[1, 2, 3].exists_one(x, x > 2)', true],
    ['[1, 2, 3].filter(x, x > 1)', [2, 3]],
    ['[1, 2, 3].map(x, x * 2)', [2, 4, 6]],
    ['[1, 2, 3].map(x, x > 1, x * 2)', [4, 6]],
    ['backup.metadata.labels.map(k, k)', ['tier', 'shop.io/size']],
    ['[1, 2].map(x, [x].map(x, x + 1))', [[2], [3]]],
    ['[[1], [2]].exists(l, l.exists(x, x == 2))', true],
    ['[1, 0].exists(x, 1 / x == 1)', true],
    ['[0, 1].exists(x, 1 / x == 1)', true],
    ['[0, 1].all(x, 1 / x == 2)', false],
  ],
  'texts have the methods of Kubernetes': [
    ["'abc'.contains('b') && 'abc'.endsWith('c')", true],
    ["'AbÉ'.lowerAscii() + 'abé'.upperAscii()", 'abÉABé'],
    ["' a '.trim()", 'a'],
    ["'a,b,c'.split(',')", ['a', 'b', 'c']],
    ["'a,b,c'.split(',', 2)", ['a', 'b,c']],
    ["'ab'.split('')", ['a', 'b']],
    ["'a,b'.split(',', 0)", []],
    ["['a', 'b'].join()", 'ab'],
    ["['a', '', 'b'].join(', ')", 'a, , b'],
    ["'abab'.replace('a', 'x')", 'xbxb'],
    ["'abab'.replace('a', 'x', 1)", 'xbab'],
    ["'ab'.replace('', '-')", '-a-b-'],
    ["'ab'.replace('', '-', 1)", '-ab'],
    ["'😀x'.size() + size('ab')", 4],
    ["'😀x'.charAt(1) + 'x'.charAt(1)", 'x'],
    ["'😀xy'.substring(1, 2)", 'x'],
    ["'😀xy'.substring(1)", 'xy'],
    ["'😀xyx'.indexOf('x')", 1],
    ["'😀xyx'.lastIndexOf('x')", 3],
    ["'a'.indexOf('b')", -1],
    ["'shop-1'.matches('^shop-[0-9]+$')", true],
    ["'a shop'.matches('shop')", true],
    ["'%s %d %x %.2f %f %%'.format(['a', 10, 255, 1.5, 2.0])", 'a 10 ff 1.50 2.000000 %'],
    ["'a' < 'b' && '\\uffee' < '😀'", true],
  ],
  'lists are joined, measured and searched': [
    ['[1] + [2, 3]', [1, 2, 3]],
    ['[3, 1, 2].min() + [3, 1, 2].max() + [1, 2].sum() + [].sum()', 7],
    ['[1, 2].isSorted() && ![2, 1].isSorted()', true],
    ['size([1]) + size({1: 2}) + backup.spec.list.size()', 5],
    ['{1: "a"}[1.0]', 'a'],
    ['[1, 2] == [1, 3] || [1] == [1, 2] || {"a": 1} == {"a": 1, "b": 1}', false],
    ['1 in {1: 2} && !(1.5 in {1.0: 2}) && !(dyn(null) in {"a": 1})', true],
    ['backup.metadata.labels.size() + size(backup.metadata.labels)', 4],
    ['{"a": {true: 1}}', { a: { true: 1 } }],
    ['{"a": 1, "b": 2} == {"b": 2.0, "a": 1}', true],
    ['{"a": 1} == {"a": 2} || {"a": 1} == {"b": 1} || [1] == [1, 2]', false],
  ],
  'the side that decides wins, even if the other one fails': [
    ['true || 1 / 0 == 1', true],
    ['1 / 0 == 1 || true', true],
    ['false && backup.nothing', false],
    ['backup.nothing && false', false],
    ['backup.spec.count == 3 ? "yes" : backup.nothing', 'yes'],
  ],
  'times are counted to the nanosecond and written as Kubernetes writes them': [
    ["timestamp('2026-11-21T07:00:00.5+02:00')", '2026-11-21T05:00:00.5Z'],
    ["timestamp('2026-11-21T07:00:00Z') + duration('1h30m')", '2026-11-21T08:30:00Z'],
    ["timestamp('2026-11-21T07:00:00Z') - timestamp('2026-11-20T07:00:00Z')", '86400s'],
    ["duration(backup.spec.ttl) > duration('24h')", true],
    ["string(duration('1.5s')) + string(duration('-300ms'))", '1.5s-0.3s'],
    ["timestamp('2026-11-21T07:08:09Z').getHours() + duration('90m').getMinutes()", 97],
    ["timestamp('2026-11-21T07:08:09Z').getDayOfYear()", 324],
    [
      "[1].map(x, timestamp('2026-11-21T07:08:09.5Z')).map(d, [d.getFullYear(), d.getMonth(), d.getDate(), d.getDayOfMonth(), d.getDayOfWeek(), d.getMinutes(), d.getSeconds(), d.getMilliseconds()])",
      [[2026, 10, 21, 20, 6, 8, 9, 500]],
    ],
    ["duration('2h').getHours() + duration('1s').getMilliseconds()", 1002],
    [
      "duration('60s') == duration('1m') && duration('1s') != duration('2s') && dyn(duration('1s')) != dyn(timestamp(1))",
      true,
    ],
    [
      "timestamp('2026-11-21T07:00:00Z') - duration('1h') + duration('1h') == dyn(duration('0s') + timestamp('2026-11-21T07:00:00Z'))",
      true,
    ],
    ["dyn([1]) == dyn({1: 1}) || dyn(1) == dyn('1') || dyn(null) == dyn([])", false],
    ["int(timestamp('1970-01-01T00:01:00Z')) + int(timestamp(60))", 120],
  ],
  'conversions take what Kubernetes takes': [
    ["int('12') + int(2.9) + int(1)", 15],
    ["double('1.5e1') + double(1)", 16],
    ["string(1) + string(1.5) + string(true) + string(1234567.0) + string('a')", '11.5true1.234567e+06a'],
    ["bool('true') && !bool('f')", true],
    ['dyn(1) == 1', true],
    ["double(1.5) + double('-inf') < 0.0 && double('nan') != double('nan')", true],
    ["string(double('inf')) + string(double('-inf')) + string(double('nan'))", '+Inf-InfNaN'],
    ['string(0.0) + string(-0.0) + string(1e-7) + string(0.0001)', '0-01e-070.0001'],
    [
      "bool(true) && timestamp(timestamp(0)) == timestamp(0) && duration(duration('1s')) == duration('1s')",
      true,
    ],
    ['string(timestamp(0))', '1970-01-01T00:00:00Z'],
    ['1.5 - 0.5', 1],
    ['-(1.5)', -1.5],
    ['true > false', true],
    ["'ab' > 'a' && 'a' <= 'a'", true],
    ['type(type(1))', 'type'],
  ],
  'an int beyond what a number holds is given as its digits': [
    ['9007199254740991', 9007199254740991],
    ['9007199254740993', '9007199254740993'],
    ['-9223372036854775808', '-9223372036854775808'],
  ],
}
for (const [name, rows] of Object.entries(gives)) {
  t.test(name, async (t) => {
    for (const [source, ok] of rows) {
      t.equal(cel.check(source, names), undefined, source)
      t.same(cel.evaluate(source, { backup, outputs: {} }), { ok }, source)
    }
  })
}

const fails: Readonly<Record<string, readonly (readonly [string, RegExp])[]>> = {
  'an absent field is an error that says how to ask': [
    ['backup.spec.labels', /no such key: labels; ask with has\(\) or \.\?/],
    ['backup.spec.labels.a', /no such key: labels/],
    ['backup.spec.includedNamespaces[2]', /index out of range: 2 of 2/],
    ['backup.spec.includedNamespaces[-1]', /index out of range/],
    ['has(backup.nothing.a)', /no such key: nothing/],
    ['backup.spec.count.a', /int has no fields/],
  ],
  'what a JavaScript object inherits is not there': [
    ['backup.constructor', /no such key: constructor/],
    ['backup.spec.toString', /no such key: toString/],
    ['backup.spec.hasOwnProperty', /no such key/],
    ["backup['__proto__']", /no such key/],
    ["{'a': 1}['constructor']", /no such key/],
    ["backup.spec.includedNamespaces['length']", /int as index/],
    ["backup.spec.storageLocation['length']", /string has no fields/],
  ],
  'ints do not wrap and are not divided by zero': [
    ['9223372036854775807 + 1', /integer overflow/],
    ['-(-9223372036854775808)', /integer overflow/],
    ['1 / 0', /division by zero/],
    ['1 % 0', /division by zero/],
  ],
  'types that do not go together are named': [
    ['backup.spec.count * 1.5', /no such overload: int \* double/],
    ['backup.spec.count < "a"', /int and string have no order/],
    ['!backup.spec.count', /true or false is wanted, got int/],
    ['backup.spec.count ? 1 : 2', /true or false is wanted/],
    ['backup.spec.count && true', /true or false is wanted/],
    ['backup.spec.count.orValue(1)', /an optional is wanted, got int/],
    ['backup.spec.count.exists(x, true)', /int cannot be gone through/],
    ['backup.spec.list.join(",")', /text is wanted, got int/],
    ['1 in backup.spec.count', /in wants a list or a map/],
    ['dyn(optional.none()) == dyn(optional.none())', /optionals cannot be compared/],
    ['{"a": 1, "a": 2}', /key of a map/],
    ['{1.5: 1}', /key of a map/],
    ['backup.spec.none.size()', /null_type has no size/],
    ['backup.spec.none.value()', /an optional is wanted/],
    ['optional.none().value()', /no value: use orValue/],
    ['backup.spec.none.getHours()', /a time is wanted/],
    ['-backup.spec.none', /no such overload: -null_type/],
    ['backup.spec.none + 1', /no such overload: null_type \+ int/],
    [
      "dyn(duration('1s')) < dyn(timestamp(0)) || duration('1s') < backup.spec.none",
      /no order|no such overload/,
    ],
    ['backup.spec.list.exists(x, x)', /true or false is wanted/],
    ["'a'.charAt(backup.spec.none)", /an int is wanted/],
    ['backup.spec.none.max()', /a list is wanted/],
    ['backup.spec[1.5]', /no such key: double/],
    ['backup.spec.list[1.5]', /int as index, got double/],
  ],
  'an error in a comprehension that nothing decides is the result': [
    ['[0, 1].all(x, 1 / x == 1)', /division by zero/],
    ['[0].exists_one(x, 1 / x == 1)', /division by zero/],
    ['[0].map(x, 1 / x)', /division by zero/],
  ],
  'what JSON does not have is refused': [
    ['1.0 / 0.0', /JSON does not have/],
    ['optional.none()', /orValue\(\)/],
  ],
  'values that cannot be converted are refused': [
    ["int('0x10')", /whole number in decimal/],
    ["int('99999999999999999999')", /whole number/],
    ['int(1e30)', /overflow/],
    ["double('a')", /a number/],
    ["bool('maybe')", /true or false/],
    ['string(backup.spec)', /cannot convert map/],
    ['int(backup.spec)', /cannot convert map/],
    ['double(backup.spec)', /cannot convert map/],
    ['bool(backup.spec)', /cannot convert map/],
    ['timestamp(backup.spec)', /cannot convert map/],
    ['duration(backup.spec)', /cannot convert map/],
    ["'%f'.format([1])", /cannot write int as %f/],
    ["'%x'.format([1.5])", /cannot write double/],
    ["'%q'.format([1])", /cannot write int as %q/],
    ["timestamp('0001-01-01T00:00:00Z') - duration('1s')", /years 1 to 9999/],
    ["duration('2562047h') + duration('2562047h')", /shorter than 292 years/],
    ["'a'.charAt(2)", /out of range/],
    ["'abc'.substring(2, 1)", /out of range/],
    ["'%d'.format(['a'])", /cannot write string/],
    ["'%s'.format([])", /more places/],
    ["'a'.format([1])", /more values/],
    ['[].max()', /empty list/],
  ],
}
for (const [name, rows] of Object.entries(fails)) {
  t.test(name, async (t) => {
    for (const [source, error] of rows) {
      t.equal(cel.check(source, names), undefined, source)
      t.match(cel.evaluate(source, { backup, outputs: {} }), { error }, source)
    }
  })
}

const refused: Readonly<Record<string, readonly [string, RegExp]>> = {
  'a syntax error is shown with its place': ['backup.spec ==', /line 1, column 15, at the end/],
  'a syntax error in a later line is shown there': ['backup.spec\n  && &', /line 2, column 6, at "&"/],
  'an unknown variable is named with those that are there': [
    'bakup.spec',
    /unknown variable "bakup": there is backup, outputs, line 1, column 1/,
  ],
  'a place in a long expression says that it is cut': [
    "bakup['10-freeze'].lsn.of.the.database",
    /at "bakup\['10-freeze'\]\.lsn\.o\.\.\."$/,
  ],
  'a place in a short line ends where the line ends': [
    'true &&\n  bakup.spec\n  && true',
    /at "bakup\.spec"$/,
  ],
  'the variable of a comprehension is unknown outside of it': [
    '[1].all(x, true) && x',
    /unknown variable "x"/,
  ],
  'a pattern that is not a literal is refused': ["'a'.matches(backup.a)", /literal pattern/],
  'lookahead is refused by name': ["'a'.matches('(?=a)')", /no lookahead/],
  'lookbehind is refused by name': ["'a'.matches('(?<!a)b')", /no lookbehind/],
  'back references are refused by name': ["'a'.matches('(a)\\\\1')", /no back references/],
  'a pattern that RE2 cannot read is refused': ["'a'.matches('(')", /must be RE2/],
  'a pattern that grows is refused': ["'a'.matches('((a{30}){30}){30}')", /must be (RE2|simpler)/],
  'a pattern that is large is refused': ["'a'.matches('(a{1000})')", /must be simpler/],
  'comprehensions nested three deep are refused': ['[1].map(a, [1].map(b, [1].map(c, c)))', /nested 2 deep/],
  'two comprehensions of large literals are refused by their cost': [
    `[${'1,'.repeat(90)}1].map(a, [${'1,'.repeat(90)}1].map(b, a + b + a + b + a + b + a + b + a + b + a + b + a + b + a + b))`,
    /steps/,
  ],
  'a pattern that is long is refused': [`'a'.matches('${'a'.repeat(600)}')`, /at most 512 characters/],
  'unsigned integers are refused by name': ['1u', /unsigned/],
  'bytes are refused by name': ["b'a'", /bytes/],
  'an int beyond 64 bits is refused': ['9223372036854775808', /less than 2\^63/],
  'a function that is not there is refused': ['foo(1)', /no function foo of 1 argument: use one of bool/],
  'a method that is not there is refused': ["'a'.reverse()", /no method reverse of 0 arguments/],
  'a wrong number of arguments is refused with the right one': ["'a'.replace('b')", /it takes 2 or 3/],
  'methods that only the library has are refused': ["'a'.hex()", /no method hex/],
  'cel.bind is refused': ['cel.bind(x, 1, x)', /no method bind/],
  'optional has nothing but of and none': ['optional.foo(1)', /optional\.of/],
  'a comparison of optionals is refused': ['backup.?a == backup.?b', /no such overload: optional/],
  'types that cannot fit are refused': ["1 + 'a'", /no such overload: int \+ string/],
  'has of something else is refused': ['has(1)', /has\(\)/],
}
for (const [name, [source, want]] of Object.entries(refused)) {
  t.test(name, async (t) => {
    t.match(cel.check(source, names), want)
    t.match(cel.evaluate(source, { backup, outputs: {} }), { error: want }, 'at evaluation too')
  })
}

t.test('a type that is known to be wrong is refused where one is wanted', async (t) => {
  t.match(cel.check("'a'", names, 'bool'), /must give true or false, but gives string/)
  t.match(cel.check('backup.?a', names, 'bool'), /orValue/)
  t.match(cel.check('[1]', names, 'text'), /text, a number or a boolean, but gives list/)
  for (const fine of ['backup.a', 'backup.a == 1', 'backup.?a.orValue(true)'])
    t.equal(cel.check(fine, names, 'bool'), undefined, fine)
  for (const fine of ['backup.a', "'a'", '1', '1.5', 'true', "duration('1s')"])
    t.equal(cel.check(fine, names, 'text'), undefined, fine)
  t.equal(cel.check('[1]', names, 'any'), undefined)
})

t.test('only own data of plain objects is read', async (t) => {
  let called = false
  const trap = Object.defineProperty({ own: 1 }, 'getter', { enumerable: true, get: () => (called = true) })
  const values = {
    a: trap,
    inherits: Object.create({ x: 1 }),
    date: new Date(0),
    fn: () => 1,
    bare: Object.assign(Object.create(null), { x: 1 }),
  }
  t.same(cel.evaluate('a.own', { a: trap }), { ok: 1 })
  t.match(cel.evaluate('a.getter', { a: trap }), { error: /no such key/ })
  t.equal(called, false, 'no getter is called')
  t.match(cel.evaluate('inherits.x', { inherits: values.inherits }), { error: /not JSON/ })
  t.match(cel.evaluate('date', { date: values.date }), { error: /not JSON/ })
  t.match(cel.evaluate('fn', { fn: values.fn }), { error: /not JSON but function/ })
  t.same(cel.evaluate('bare.x', { bare: values.bare }), { ok: 1 })
})

t.test('a key __proto__ of JSON is a key like any other', async (t) => {
  const a: unknown = JSON.parse('{"__proto__": {"x": 1}}')
  t.same(cel.evaluate('a.__proto__.x', { a }), { ok: 1 })
  t.equal(JSON.stringify(cel.evaluate('a', { a })), '{"ok":{"__proto__":{"x":1}}}')
  t.equal(({} as { x?: number }).x, undefined)
})

t.test('the same source with other variables is another expression', async (t) => {
  t.same(cel.evaluate('a', { a: 1 }), { ok: 1 })
  t.match(cel.evaluate('a', { b: 1 }), { error: /unknown variable/ })
  t.same(cel.evaluate('a', { b: 2, a: 3 }), { ok: 3 })
  t.equal(cel.check('a', ['a']), undefined)
  t.match(cel.check('a', ['b']), /unknown variable "a": there is b/)
  t.match(cel.check('a', []), /there are none here/)
})

t.test('what is absent is named with what is there, and the way out fits the mistake', async (t) => {
  const exported = { '10-freeze': { lsn: '0/16B' } }
  const error = (source: string, values: object = { exported }) => {
    const result = cel.evaluate(source, { ...values })
    return 'error' in result ? result.error : undefined
  }
  t.equal(error("exported['10-freez'].lsn"), 'no such key: 10-freez (did you mean 10-freeze?)')
  t.equal(error("exported['10-freeze'].lsm"), 'no such key: lsm (did you mean lsn?)')
  const none = 'ask with has() or .? if it may be absent'
  t.equal(error('exported.release'), `no such key: release (there is 10-freeze); ${none}`)
  t.equal(error('exported.release', { exported: {} }), `no such key: release; ${none}`)
  const many = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`key-of-many-${i}`, i]))
  t.equal(error('exported.release', { exported: many }), `no such key: release; ${none}`)
  t.equal(error('exported.release', { exported: { 'a\u001b[31m': 1 } }), `no such key: release; ${none}`)
  t.equal(error('exported[7]', { exported: [1] }), `index out of range: 7 of 1; ${none}`)
})
