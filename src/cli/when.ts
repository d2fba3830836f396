/** Times as people say them: how long ago, and since when. */

const seconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 }

/** How long ago, as kubectl says it (apimachinery pkg/util/duration): two units at most, fewer the longer it is. */
export function ageOf(ms: number): string {
  const all = Math.max(0, Math.floor(ms / 1000))
  const minutes = Math.floor(all / 60)
  const hours = Math.floor(minutes / 60)
  const days = Math.floor(hours / 24)
  const and = (small: number, unit: string) => (small === 0 ? '' : `${small}${unit}`)
  if (all < 120) return `${all}s`
  if (minutes < 10) return `${minutes}m${and(all % 60, 's')}`
  if (minutes < 180) return `${minutes}m`
  if (hours < 8) return `${hours}h${and(minutes % 60, 'm')}`
  if (hours < 48) return `${hours}h`
  if (days < 8) return `${days}d${and(hours % 24, 'h')}`
  return `${days}d`
}

/** How long ago a time of the API was; '-' where there is none. */
export function agoOf(timestamp: string | undefined, now: number): string {
  const at = Date.parse(timestamp ?? '')
  return Number.isNaN(at) ? '-' : ageOf(now - at)
}

/** The time that --since means: so long ago (`90s`, `15m`, `2h`, `3d`, `1w`), or a time of RFC 3339. */
export function sinceOf(text: string, now: number): { readonly ok: number } | { readonly want: string } {
  const [, count = '', unit = ''] = /^(\d{1,9})([smhdw])$/.exec(text) ?? []
  const unitSeconds = seconds[unit]
  if (unitSeconds !== undefined) return { ok: now - Number(count) * unitSeconds * 1000 }
  const at = /^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(at)
    ? { want: 'be how long ago (90s, 15m, 2h, 3d, 1w) or a time like 2026-01-31T18:00:00Z' }
    : { ok: at }
}
