/** Where time comes from; a test gives its own. */
export type Clock = {
  readonly now: () => number
  /** Calls back once after `ms` unless the returned function was called before. */
  readonly after: (ms: number, call: () => void) => () => void
}

/** The time of this machine: the sandbox's own rim, since it imports nothing of the service. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after: (ms, call) => {
    const timer = setTimeout(call, ms)
    return () => clearTimeout(timer)
  },
}

/** A time as Kubernetes writes it: RFC 3339 with seconds. */
export function stamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`
}
