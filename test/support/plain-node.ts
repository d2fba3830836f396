/**
 * The arguments of `env` that start Node as people start it, before the file to run: it becomes that process, with its id and its signals.
 * By NODE_OPTIONS tap gives each process that a test starts hooks of its own, for coverage. They cost a fifth of a second each.
 */
export const plainNode: readonly string[] = ['-u', 'NODE_OPTIONS', process.execPath]
