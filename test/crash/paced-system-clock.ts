/** What stands in for src/system-clock.ts in a process of the service: the clock of the harness. */
import { paceVariable, pacedClock, type Pace } from './clock.ts'

/** As src/system-clock.ts. */
export const systemClock = pacedClock(JSON.parse(process.env[paceVariable] ?? '') as Pace)
