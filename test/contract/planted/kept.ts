/** Bugs in what is kept and told: storage, metadata, lists, watches. */
import { inFile, type Bug } from './bug.ts'

const update = inFile('apiserver/rest/update.ts', '^(update|apply|dry run|CRD status|neighbours|delete)')
const metadata = inFile('apiserver/rest/metadata.ts', '^(create|CRD status|neighbours)')
const store = inFile('apiserver/storage/store.ts', '^(watch|neighbours)')
const list = inFile('apiserver/rest/list.ts', '^(list|neighbours)')
const watch = inFile('apiserver/watch/watch.ts', '^(watch|neighbours)')

const unchanged = `if (options.dryRun || sameBut(current, next)) return options.dryRun ? next : current`

/** The bugs. */
export const bugs: readonly Bug[] = [
  update('an update that changes nothing gets a new resourceVersion', [
    unchanged,
    `if (options.dryRun) return next`,
  ]),
  update('a dry run of an update is stored', [unchanged, `if (sameBut(current, next)) return current`]),
  update('a stale resourceVersion wins over a newer one', [
    `if (explicit && version !== textAt(current, 'metadata', 'resourceVersion'))`,
    `if (explicit && Number(version) > Number(textAt(current, 'metadata', 'resourceVersion')))`,
  ]),
  update('a write that another one overtook is refused instead of tried anew', [
    `const attempts = 5`,
    `const attempts = 1`,
  ]),
  update('a PUT of another uid replaces the object', [
    `if (uid !== '' && uid !== uidOf(current)) {`,
    `if (uid !== '' && uidOf(current) === '') {`,
  ]),
  inFile('apiserver/rest/create.ts', '^(create|dry run|apply)')('a dry run of a create is stored', [
    `if (options.dryRun) {`,
    `if (options.dryRun && name === '') {`,
  ]),
  metadata('a change of status raises the generation', [`...(resource.status ? ['status'] : [])`, ``]),
  metadata('a change of labels raises the generation', [
    `return without(object, 'metadata', 'apiVersion'`,
    `return without(object, 'apiVersion'`,
  ]),
  metadata('a write of the status subresource writes spec too', [
    `const rest = without(before, 'status')`,
    `const rest = without(after, 'status')`,
  ]),
  metadata('a write of a custom object writes the status that has a subresource', [
    `if (!resource.status) return after`,
    `if (!resource.status || resource.custom) return after`,
  ]),
  store('a deleted object is told with the resourceVersion of its last change', [
    `const object = setAt(what.object, ['metadata', 'resourceVersion'], String(this.#revision))`,
    `const object = what.type === 'DELETED' ? what.object : setAt(what.object, ['metadata', 'resourceVersion'], String(this.#revision))`,
  ]),
  inFile('apiserver/storage/history.ts', '^(watch|list)')(
    'a watch from a version tells the change of that version again',
    [`change.revision ?? 0) > revision) high`, `change.revision ?? 0) >= revision) high`],
  ),
  watch('a bookmark is ahead of the events', [
    `bookmark(watching.resource, world.store.revision)`,
    `bookmark(watching.resource, world.store.revision + 3)`,
  ]),
  watch('what leaves a selector by a change is not told', [
    `if (!selected && !was) return true`,
    `if (!selected && (!was || change.type === 'MODIFIED')) return true`,
  ]),
  watch('what enters a selector by a change is told as MODIFIED', [
    `const type = typeOf(selected, was)`,
    `const type = selected ? change.type : typeOf(selected, was)`,
  ]),
  watch('what leaves a selector is shown as it became', [
    `    type === 'DELETED' && change.before !== undefined ? leaving`,
    `    type === 'DELETED' && change.before === undefined ? leaving`,
  ]),
  watch('what leaves a selector has its old resourceVersion', [
    `: setAt(before, ['metadata', 'resourceVersion'], version)`,
    `: setAt(before, ['metadata', 'resourceVersion'], textAt(before, 'metadata', 'resourceVersion') || version)`,
  ]),
  watch('a watch of a namespace tells of others whose names begin the same', [
    `if (namespace !== '' && !change.key.startsWith(\`\${namespace}\\0\`)) return true`,
    `if (namespace !== '' && !change.key.startsWith(namespace)) return true`,
  ]),
  watch('a watch from a forgotten version goes on without a word', [
    `if (missed !== undefined) return missed.every(`,
    `if (missed === undefined) return true
  else return missed.every(`,
  ]),
  list('a list of a namespace has those of others whose names begin the same', [
    `const prefix = namespace === '' ? '' : \`\${namespace}\\0\``,
    `const prefix = namespace`,
  ]),
  list('a later page shows what was made after the first', [
    `asOf(store, resource.storage, start.revision)`,
    `asOf(store, resource.storage, store.revision)`,
  ]),
  list('the last item of a page comes again on the next', [`from: \`\${what.last}\\0\``, `from: what.last`]),
  list('a page of a selection says how many are left', [`...(what.selective ? {} : {`, `...(false ? {} : {`]),
  list('a list at an exact version shows the present', [
    `return { revision: exact ? wanted : store.revision, from: '' }`,
    `return { revision: store.revision, from: '' }`,
  ]),
  inFile('apiserver/rest/label-selector.ts', '^(list|watch)')(
    'a notin selector leaves out what has no such label',
    [
      `const notAmong: Test = (value, values) => !among(value, values)`,
      `const notAmong: Test = (value, values) => value !== undefined && !among(value, values)`,
    ],
  ),
]
