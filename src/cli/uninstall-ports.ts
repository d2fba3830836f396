/** What an uninstall is told, needs and answers. */
import type { Clock } from '../clock.ts'
import type { UninstallCluster } from '../wiring/uninstall.ts'

/** How to do it. */
export type UninstallWish = {
  /** For what is in hand to end. */
  readonly timeoutMs: number
  readonly dryRun: boolean
  readonly force: boolean
  readonly deleteData: boolean
}

/** Its world. */
export type UninstallPorts = UninstallCluster & {
  readonly clock: Clock
  readonly signal: AbortSignal
  /** Tells of progress, a line each. */
  readonly tell: (line: string) => void
  readonly confirmed: (question: string) => Promise<boolean>
}

/** How it ended: `no` where something is left. */
export type Uninstalled = { readonly ended: 'yes' | 'no'; readonly message: string }

/** All is gone. */
export const yes = (message: string): Uninstalled => ({ ended: 'yes', message })
/** Something is left. */
export const no = (message: string): Uninstalled => ({ ended: 'no', message })

/** What to do where something is left. */
export const again = 'Run this again to go on from here'
