/** How threads of ours are started. */
import { getCompileCacheDir } from 'node:module'
import { dirname } from 'node:path'

// Where this process keeps compiled code, if it was told to: a thread that compiles all anew takes twice as long to start.
// Node gives the folder of its own version in there.
const compiled = getCompileCacheDir()

/** What a thread of ours needs of how the process was started: no secrets, no hooks. */
export const bareThread: { readonly env: Readonly<Record<string, string>>; readonly execArgv: string[] } = {
  env: compiled === undefined ? {} : { NODE_COMPILE_CACHE: dirname(compiled) },
  execArgv: [],
}
