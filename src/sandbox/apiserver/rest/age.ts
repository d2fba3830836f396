/** How old something is, as kubectl shows it. */

/** How long ago a time was: `5m30s`, `2d`, `<unknown>`. */
export function age(time: string, now: number): string {
  const then = Date.parse(time)
  if (Number.isNaN(then)) return '<unknown>'
  return humanDuration(Math.max(0, Math.floor((now - then) / 1000)))
}

// apimachinery pkg/util/duration: HumanDuration.
function humanDuration(seconds: number): string {
  const [minutes, hours] = [Math.floor(seconds / 60), Math.floor(seconds / 3600)]
  const days = Math.floor(hours / 24)
  const pair = (large: string, small: number, unit: string): string =>
    small === 0 ? large : `${large}${small}${unit}`
  if (seconds < 120) return `${seconds}s`
  if (minutes < 10) return pair(`${minutes}m`, seconds % 60, 's')
  if (minutes < 180) return `${minutes}m`
  if (hours < 8) return pair(`${hours}h`, minutes % 60, 'm')
  if (hours < 48) return `${hours}h`
  if (hours < 192) return pair(`${days}d`, hours % 24, 'h')
  if (days < 730) return `${days}d`
  return pair(`${Math.floor(days / 365)}y`, days % 365, 'd')
}
