/** Shows where a turn of the certificates stands. */
import type { Metrics } from '../observe/metrics.ts'
import { authoritySteps, pathSteps, type Standing } from '../tls/standing.ts'

/** Sets the gauge at each look. */
export const turnGauge =
  ({ certificateTurn }: Pick<Metrics, 'certificateTurn'>) =>
  (standing: Standing): void => {
    for (const step of authoritySteps)
      certificateTurn.set({ part: 'authority', step }, step === standing.authority ? 1 : 0)
    for (const step of pathSteps) certificateTurn.set({ part: 'path', step }, step === standing.path ? 1 : 0)
  }
