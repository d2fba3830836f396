/** The whole contract of Velero. */
import type { VeleroCase } from './case.ts'
import { cases as asked } from './cases/asked.ts'
import { cases as backups } from './cases/backups.ts'
import { cases as denied } from './cases/denied.ts'
import { cases as queue } from './cases/queue.ts'
import { cases as refused } from './cases/refused.ts'
import { cases as removal } from './cases/removal.ts'
import { cases as restores } from './cases/restores.ts'
import { cases as schedules } from './cases/schedules.ts'

/** Every case. */
export const allCases: readonly VeleroCase[] = [
  removal,
  denied,
  schedules,
  backups,
  queue,
  refused,
  restores,
  asked,
].flat()
