/** The lists of docs/expressions.md, made from the code: variables of each stage, functions and limits. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { stages } from '../../src/api/action.ts'
import { longestOutputs } from '../../src/actions/outputs.ts'
import { usualLimits } from '../../src/cel/cel.ts'
import { usualSize } from '../../src/cel/estimate.ts'
import { functions, methods } from '../../src/cel/functions.ts'
import { macros } from '../../src/cel/macros.ts'
import { deepestComprehension } from '../../src/cel/refuse.ts'
import { longestBody, longestHeader, longestUrl } from '../../src/core/render.ts'
import { variableNames } from '../../src/core/run/variables.ts'
import { mostExpressions } from '../../src/core/template.ts'

const code = (text: string): string => `\`${text}\``

const variables = (): string =>
  stages
    .map((stage) => {
      const [object = '', ...more] = variableNames(stage).map(code)
      return `- ${stage}: ${object}; in \`\${...}\` also ${more.slice(0, -1).join(', ')} and ${more.at(-1)}`
    })
    .join('\n')

/** What each is for; the keys must be exactly those that there are. */
const meanings: readonly (readonly [names: string, meaning: string])[] = [
  ['has/1', '`has(a.b)`: whether it is there'],
  ['orValue/1 or/1', 'of `a.?b`: the value, or another; the optional, or another optional'],
  ['hasValue/0 value/0', 'of `a.?b`: whether there is a value; the value, or an error'],
  [
    'all/2 exists/2 exists_one/2',
    '`list.all(x, ...)`: whether it holds for every, any, exactly one element; over a map, for its keys',
  ],
  ['filter/2 map/2 map/3', '`list.map(x, x.name)`: the elements for which it holds; what each becomes; both'],
  ['size/1 size/0', 'how many elements, keys or characters'],
  ['join/0 join/1', 'a list of texts as one text'],
  ['min/0 max/0 sum/0 isSorted/0', 'of a list'],
  [
    'startsWith/1 endsWith/1 contains/1 matches/1',
    'of a text; `matches` takes a literal RE2 pattern and finds it anywhere: anchor it with `^` and `$`',
  ],
  ['lowerAscii/0 upperAscii/0 trim/0', 'of a text'],
  [
    'replace/2 replace/3 split/1 split/2',
    'of a text; the last argument is how often, or into how many parts',
  ],
  ['charAt/1 substring/1 substring/2 indexOf/1 lastIndexOf/1', 'of a text, counted in characters from 0'],
  [
    'format/1',
    "`'%s has %d, %.2f'.format([a, b, c])`: `%s` anything that has a text, `%d` and `%x` an int, `%f` a number",
  ],
  [
    'timestamp/1 duration/1',
    "`timestamp('2026-03-01T02:00:00Z')`, `duration('1h30m')`; they are compared, added and subtracted",
  ],
  [
    'getFullYear/0 getMonth/0 getDate/0 getDayOfMonth/0 getDayOfWeek/0 getDayOfYear/0',
    'of a timestamp; months, days of the week (Sunday), of the month and of the year count from 0, `getDate` from 1',
  ],
  [
    'getHours/0 getMinutes/0 getSeconds/0 getMilliseconds/0',
    'of a timestamp that part; of a duration the whole of it in that unit',
  ],
  ['int/1 double/1 bool/1 string/1', 'conversions; `int` of a timestamp is seconds since 1970'],
  ['type/1 dyn/1', '`type(x) == string`; `dyn` hides the type from the check'],
]

/** Throws if a function has no meaning here, or a meaning no function. */
function functionList(): string {
  const told = meanings.flatMap(([names]) => names.split(' ')).sort()
  const there = [...new Set([...functions.keys(), ...methods.keys(), ...macros.keys(), 'matches/1'])].sort()
  if (told.join() !== there.join())
    throw new Error(`test/support/expressions.ts tells of ${told.join()}, and there is ${there.join()}`)
  return meanings
    .map(([names, meaning]) => {
      const own = [...new Set(names.split(' ').map((name) => name.replace(/\/\d$/, '')))]
      return `- ${own.map(code).join(', ')}: ${meaning}`
    })
    .join('\n')
}

const limits = (): string =>
  [
    `an expression: ${usualLimits.characters} characters, ${usualLimits.nodes} nodes, nested ${usualLimits.depth} deep, comprehensions ${deepestComprehension} deep`,
    `an evaluation: ${usualLimits.steps} steps, about ${(usualLimits.steps * 50) / 1_000_000} ms; when the Action is applied they are estimated with lists of ${usualSize} elements`,
    `a URL or a header: ${longestUrl} and ${longestHeader} characters when it is filled in`,
    `a body: ${mostExpressions} expressions, ${longestBody} characters when it is filled in`,
    `the outputs of an action: ${longestOutputs} characters of JSON`,
  ]
    .map((line) => `- ${line}`)
    .join('\n')

/** The page with its lists as they must be. */
export const expressionsPage = (root: string): string =>
  withSections(readFileSync(join(root, 'docs/expressions.md'), 'utf8'), {
    variables,
    functions: functionList,
    limits,
  })

/** A page with what is between its marks made anew: `<!-- limits -->` ... `<!-- /limits -->`. */
function withSections(text: string, made: Readonly<Record<string, () => string>>): string {
  return Object.entries(made).reduce(
    (before, [name, make]) =>
      before.replace(
        new RegExp(`<!-- ${name} -->[\\s\\S]*<!-- /${name} -->`),
        () => `<!-- ${name} -->\n\n${make()}\n\n<!-- /${name} -->`,
      ),
    text,
  )
}
