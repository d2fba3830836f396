/**
 * What `npm test` begins each process with: two things that tap does in it, and that cost more than they give here.
 *
 * tap turns source maps on, whatever Node was told, and then reads those of all modules. Nothing of ours has one: stripping types
 * keeps every line and column where it was. And it follows each promise and each callback by hooks, to know which test threw
 * something after a moment: a fifth of all processor time. `domain.ts` knows it without.
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
