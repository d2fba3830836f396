/** An egress client for tests: outside a cluster, in real time. */
import { createEgress } from '../../src/net/egress.ts'
import type { Answer, Lookup, Request } from '../../src/net/ports.ts'
import type { EgressRules } from '../../src/core/egress.ts'
import { systemClock } from '../../src/system-clock.ts'

/** What a test may want otherwise. */
export type Given = Partial<Request> & {
  readonly url: string
  readonly rules?: Partial<EgressRules>
  readonly lookup?: Lookup
  readonly connectTimeoutMs?: number
}

/** Sends one request with sensible defaults; gives up after 5 s so that a broken test ends. */
export async function send({ rules, lookup, connectTimeoutMs, ...request }: Given): Promise<Answer> {
  const egress = createEgress({
    clock: systemClock,
    rules: { inCluster: false, refusedAddresses: () => [], allowNames: [], onlyTo: [], ...rules },
    lookup: lookup ?? (async () => ['127.0.0.1']),
    ...(connectTimeoutMs === undefined ? {} : { connectTimeoutMs }),
  })
  const limit = systemClock.abortAfter(5000)
  try {
    return await egress.send({
      method: 'POST',
      headers: [],
      maxRedirects: 0,
      signal: limit.signal,
      ...request,
    })
  } finally {
    limit.release()
  }
}

/** The body of an answer as text; what else came as JSON. */
export const textOf = (answer: Answer): string =>
  'ok' in answer ? Buffer.from(answer.ok.body).toString() : JSON.stringify(answer)

/** A signal that aborts after some real ms, as a deadline does. */
export function soon(ms: number): AbortSignal {
  return systemClock.abortAfter(ms).signal
}
