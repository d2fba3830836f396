/** How times, durations and states are said. The server says UTC; a script in the page makes the time of the place of it. */
import { spell } from '../core/refusal.ts'

/** How a state is meant; each has an icon and a colour, and its word beside it. */
export type Tone = 'good' | 'bad' | 'warn' | 'busy' | 'quiet'

const tones: Readonly<Record<string, Tone>> = {
  Allowed: 'good',
  Succeeded: 'good',
  Completed: 'good',
  True: 'good',
  Refused: 'bad',
  Error: 'bad',
  Failed: 'bad',
  FailedValidation: 'bad',
  False: 'bad',
  'Not created': 'bad',
  PartiallyFailed: 'warn',
  Unknown: 'warn',
  Unguarded: 'warn',
  Stuck: 'warn',
  Undone: 'warn',
  Orphaned: 'warn',
  'Undo stuck': 'bad',
  Held: 'busy',
  Running: 'busy',
  InProgress: 'busy',
  Undoing: 'busy',
  Finalizing: 'busy',
  FinalizingPartiallyFailed: 'busy',
  WaitingForPluginOperations: 'busy',
  WaitingForPluginOperationsPartiallyFailed: 'busy',
}

/** The tone of a verdict, a phase or a condition. */
export const toneOf = (word: string): Tone =>
  (Object.hasOwn(tones, word) ? tones[word] : undefined) ?? 'quiet'

/** Icons beside the words: colour alone says nothing to some. */
export const icons: Readonly<Record<Tone, string>> = { good: '✓', bad: '✕', warn: '!', busy: '◐', quiet: '–' }

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const two = (number: number): string => String(number).padStart(2, '0')

/** A moment: `21 Nov 2026, 14:02:11 UTC`. */
export function utc(ms: number): string {
  const at = new Date(ms)
  const day = `${at.getUTCDate()} ${months[at.getUTCMonth()] ?? ''} ${at.getUTCFullYear()}`
  return `${day}, ${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())} UTC`
}

const units = [
  { ms: 86_400_000, word: 'day' },
  { ms: 3_600_000, word: 'hour' },
  { ms: 60_000, word: 'minute' },
] as const

/** How long ago, or in how long: `3 minutes ago`, `in 3 minutes`. */
export function ago(ms: number, now: number): string {
  const passed = now - ms
  for (const { ms: unit, word } of units) {
    const count = Math.floor(Math.abs(passed) / unit)
    if (count < 1) continue
    const span = `${count} ${word}${count === 1 ? '' : 's'}`
    return passed < 0 ? `in ${span}` : `${span} ago`
  }
  return passed < -5000 ? 'in a moment' : 'just now'
}

/** How long: `1.4 s`; of what is not known, a dash. */
export const lasting = (ms: number | undefined): string =>
  ms === undefined || !Number.isFinite(ms) ? '–' : spell(Math.max(0, ms))

/** `1 run`, `2 runs`. */
export const counted = (count: number, word: string, plural = `${word}s`): string =>
  `${number(count)} ${count === 1 ? word : plural}`

/** A number with thin gaps between thousands. */
export const number = (value: number): string => String(value).replaceAll(/\B(?=(\d{3})+$)/g, '\u202f')

/** A size: `12 MiB`. */
export function size(bytes: number): string {
  if (bytes < 1024 * 1024) return `${Math.ceil(bytes / 1024)} KiB`
  return `${number(Math.round(bytes / 1024 / 1024))} MiB`
}
