/**
 * How often what is random or repeated runs: few times in `npm test`, with the same seeds each time, and as often as told
 * in `npm run thorough`, which is this with TIDEWAITER_THOROUGH=1.
 */
const thorough = process.env['TIDEWAITER_THOROUGH'] === '1'

/** A tenth of them, or all where it is to be thorough. */
export const runs = (all: number): number => (thorough ? all : Math.ceil(all / 10))

/** For a test of what others show in the main: `t.test(name, whenThorough, ...)` runs it in `npm run thorough` alone. */
export const whenThorough: { readonly skip?: string } = thorough ? {} : { skip: 'part of npm run thorough' }
