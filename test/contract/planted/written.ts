/** Bugs in what writes make of objects: patches, ownership of fields, deletion, schemas of custom kinds. */
import { inFile, type Bug } from './bug.ts'

const strategic = inFile('apiserver/patch/strategic.ts', '^(patch|finer)')
const apply = inFile('apiserver/fields/apply.ts', '^(apply|neighbours)')
const managed = inFile('apiserver/fields/managed.ts', '^(apply|neighbours)')
const ownership = inFile('apiserver/fields/ownership.ts', '^(apply|neighbours)')
const remove = inFile('apiserver/rest/delete.ts', '^(delete|dry run|owners)')
const garbage = inFile('apiserver/background/garbage.ts', '^owners')
const shape = inFile('apiserver/schema/shape.ts', '^(CRD|finer)')
const rules = inFile('apiserver/schema/rules.ts', '^(CRD|finer)')

/** The bugs. */
export const bugs: readonly Bug[] = [
  inFile('apiserver/patch/merge-patch.ts', '^(patch|finer)')(
    'a null within what a merge patch adds is kept',
    [
      `[[key, mergePatch(own(base, key), value)]]`,
      `[[key, Object.hasOwn(base, key) ? mergePatch(own(base, key), value) : value]]`,
    ],
  ),
  inFile('apiserver/patch/json-patch.ts', '^(patch|finer)')(
    'a test of a JSON patch holds for what is not there',
    [
      `if (same(found ?? null, value)) return document`,
      `if (found === undefined || same(found, value)) return document`,
    ],
  ),
  strategic('a strategic patch replaces the item that has the merge key', [
    `items.set(key, strategicMergePatch(node.inner, items.get(key), item))`,
    `items.set(key, item)`,
  ]),
  strategic('$patch: delete of a list item is not heard', [
    `if (textAt(item, '$patch') === 'delete') items.delete(key)`,
    `if (textAt(item, '$patch') === 'gone') items.delete(key)`,
  ]),
  strategic('$setElementOrder is not heard', [
    `order: listAt(patch, \`$setElementOrder/\${key}\`),`,
    `order: [],`,
  ]),
  apply('a forced apply leaves the fields with their former owner too', [
    `withManagers(after, [...left, {`,
    `withManagers(after, [...others, {`,
  ]),
  apply('what a manager applies no more stays', [
    `last === undefined ? merged : pruned(node, merged, { last: last.fields, owned })`,
    `merged`,
  ]),
  apply('what a manager applies no more goes though others own it', [
    `[...others, mine].map((one) => one.fields).reduce(union)`,
    `mine.fields`,
  ]),
  apply('an apply of the same value meets a conflict', [
    `changes(resource, writer.subresource, [before, after])`,
    `changes(resource, writer.subresource, [{}, after])`,
  ]),
  ownership('an update leaves an applied field with its former owner', [
    `fields: difference(one.fields, gone)`,
    `fields: one.operation === 'Apply' ? one.fields : difference(one.fields, gone)`,
  ]),
  managed('an update of another subresource counts as the same manager', [
    `    ...(subresource === '' ? {} : { subresource }),`,
    ``,
  ]),
  remove('a deletion does not heed the resourceVersion of its precondition', [
    `: ['ResourceVersion', resourceVersion, version, 'modified']`,
    `: ['ResourceVersion', '', version, 'modified']`,
  ]),
  remove('a dry run of a deletion deletes', [`if (options.dryRun) return wouldGo(resource, current)`, ``]),
  remove('a second deletion moves the deletionTimestamp', [
    `if (textAt(current, 'metadata', 'deletionTimestamp') !== '') {`,
    `if (false) {`,
  ]),
  inFile('apiserver/rest/metadata-problems.ts', '^(delete|update)')(
    'a finalizer may be added to what is being deleted',
    [
      `no new finalizers can be added if the object is being deleted, found new finalizers \${shown}`,
      `no new finalizers`,
    ],
  ),
  inFile('apiserver/rest/update.ts', '^(update|apply|dry run|CRD status|neighbours|delete)')(
    'an object that is being deleted goes before its last finalizer',
    [
      `listAt(next, 'metadata', 'finalizers').length === 0
  if (going`,
      `listAt(next, 'metadata', 'finalizers').length <= 1
  if (going`,
    ],
  ),
  garbage('an owner of the same name and another uid keeps what is owned', [
    `if (object === undefined || textAt(object, 'metadata', 'uid') !== textAt(reference, 'uid')) return undefined`,
    `if (object === undefined) return undefined`,
  ]),
  garbage('what has two owners goes with the first', [
    `if (living.length === 0) {`,
    `if (living.length < references.length) {`,
  ]),
  garbage('a foreground deletion does not wait for what blocks it', [
    `at(one, 'blockOwnerDeletion') === true`,
    `at(one, 'blockOwnerDeletion') === 'true'`,
  ]),
  garbage('a deletion that orphans takes what is owned along', [
    `if (policy === 'orphan') for (const one of owned) orphan(world, one, uid)`,
    ``,
  ]),
  inFile('apiserver/background/namespaces.ts', '^(delete|owners)')(
    'a namespace goes while a finalizer holds something in it',
    [`if (left > 0) return`, `if (left > 1) return`],
  ),
  shape('a default is not filled into what a default made', [
    `if (child === undefined) return one
    return one === null`,
    `if (child === undefined || !Object.hasOwn(value, key)) return one
    return one === null`,
  ]),
  shape('a null where null is allowed becomes the default', [
    `(current === null && field?.nullable === false)`,
    `current === null`,
  ]),
  shape('unknown fields are kept within the values of a map', [
    `if (node.sort === 'map') return node.inner ?? anyNode`,
    `if (node.sort === 'map') return anyNode`,
  ]),
  rules('a transition rule is asked where there is nothing to compare with', [
    `if (transition) return old !== undefined || optional`,
    `if (transition) return true`,
  ]),
  rules('a rule that an unchanged value breaks refuses every update', [
    `return old === undefined || !same(old, value)`,
    `return true`,
  ]),
  rules('optionalOldSelf is not heard', [`own(rule, 'optionalOldSelf') === true`, `false`]),
  rules('a messageExpression of a schema’s rule is told though it has several lines', [
    `      !result.value.includes('\\n')`,
    `      true`,
  ]),
  inFile('apiserver/schema/validate.ts', '^(CRD|finer)')(
    'a value that breaks the schema refuses every later update',
    [`if (old !== undefined && same(value, old)) return []`, ``],
  ),
]
