/** How a line of the log looks: the same to a pod's collector and in the sandbox's file. */
import { pino } from 'pino'

/** Levels as words, times as RFC 3339; nothing of the machine. */
export const logForm = {
  base: null,
  timestamp: pino.stdTimeFunctions.isoTime,
  formatters: { level: (level: string) => ({ level }) },
} as const
