/**
 * `node --import` this: the command line as it is, with another clock. src/system-clock.ts is the one file of the service that
 * reads the time and sets timers.
 */
import { registerHooks } from 'node:module'

const real = new URL('../../src/system-clock.ts', import.meta.url).href
const paced = new URL('paced-system-clock.ts', import.meta.url).href

registerHooks({
  resolve: (specifier, context, next) => {
    const found = next(specifier, context)
    return found.url === real ? { ...found, url: paced } : found
  },
})
