/**
 * What `npm test` begins each process with: three things that tap does in it, and that cost more than they give here.
 *
 * tap turns source maps on, whatever Node was told, and then reads those of all modules. Nothing of ours has one: stripping types
 * keeps every line and column where it was. And it follows each promise and each callback by hooks, to know which test threw
 * something after a moment: a fifth of all processor time. `domain.ts` knows it without. And it writes each line by itself, for
 * which this process and the one that reads it wake up each time: what is said within a moment is written at once here.
 */
import { registerHooks } from 'node:module'

process.setSourceMapsEnabled(false)
// tap calls it after this.
process.setSourceMapsEnabled = () => undefined

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'async-hook-domain'
      ? { url: new URL('domain.ts', import.meta.url).href, shortCircuit: true }
      : next(specifier, context),
})

const moment = 20 // milliseconds
process.stdout.cork()
const often = setInterval(() => {
  process.stdout.uncork()
  process.stdout.cork()
}, moment).unref()
// While the loop still turns: what a full pipe does not take at once would be lost later.
process.once('beforeExit', () => {
  clearInterval(often)
  process.stdout.uncork()
})
process.once('exit', () => {
  process.stdout.uncork()
})
