/** An egress client for tests: outside a cluster, in real time. */
import { createEgress } from '../../src/net/egress.ts'
import type { Answer, Egress, Lookup, Request } from '../../src/net/ports.ts'
import type { EgressRules } from '../../src/core/egress.ts'
import { systemClock } from '../../src/system-clock.ts'

/** What a test may want otherwise of the client. */
export type ClientGiven = Partial<Omit<Parameters<typeof createEgress>[0], 'rules'>> & {
  readonly rules?: Partial<EgressRules>
}

/** What a test may want otherwise. */
export type Given = Partial<Request> & {
  readonly url: string
  readonly rules?: Partial<EgressRules>
  readonly lookup?: Lookup
  readonly connectTimeoutMs?: number
}

/** The client: every name is 127.0.0.1 unless a test says otherwise. */
export function client({ rules, ...ports }: ClientGiven = {}): Egress {
  return createEgress({
    clock: systemClock,
    rules: { inCluster: false, refusedAddresses: () => [], allowNames: [], onlyTo: [], ...rules },
    lookup: async () => ['127.0.0.1'],
    ...ports,
  })
}

/** Sends one request with sensible defaults; gives up after 5 s so that a broken test ends. */
export async function send({ rules, lookup, connectTimeoutMs, ...request }: Given): Promise<Answer> {
  const egress = client({
    ...(rules === undefined ? {} : { rules }),
    ...(lookup === undefined ? {} : { lookup }),
    ...(connectTimeoutMs === undefined ? {} : { connectTimeoutMs }),
  })
  return sendBy(egress, request)
}

/** The same by a client that several requests share. */
export async function sendBy(
  egress: Egress,
  request: Partial<Request> & { readonly url: string },
): Promise<Answer> {
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
