/**
 * How often what is random or repeated runs: few times in `npm test`, with the same seeds each time, and as often as told
 * in `npm run thorough`, which is this with TIDEWAITER_THOROUGH=1.
 */
const thorough = process.env['TIDEWAITER_THOROUGH'] === '1'

/** A tenth of them, or all where it is to be thorough. */
export const runs = (all: number): number => (thorough ? all : Math.ceil(all / 10))
