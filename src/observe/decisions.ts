/** Tells every decision: one audit line in the log, the metrics, and the record. Called once a request, around its handler. */
import type { AdmissionRequest } from '../core/admission-request.ts'
import { decidedOf, fault, type Answered, type Decided } from '../core/decision/decided.ts'
import { Undecided } from '../core/decision/undecided.ts'
import type { Verdict } from '../core/verdict.ts'
import { textAt } from '../core/velero.ts'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { Metrics } from './metrics.ts'

type Handle = (request: AdmissionRequest) => Promise<Verdict>

/** What telling needs. */
export type DecisionPorts = {
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
  /** Records a decision, beside the answer; gives its audit annotations. */
  readonly record: (decided: Decided) => Readonly<Record<string, string>>
}

/** Wraps a handler so that its decision is told, also when it throws. `webhook` is its name in metrics. */
export function told(webhook: string, handle: Handle, ports: DecisionPorts): Handle {
  return async (request) => {
    const began = ports.clock.now()
    ports.metrics.inFlight.inc()
    const answered = (verdict: Verdict | undefined): Verdict => {
      const at = ports.clock.now()
      const ms = at - began
      const answer = verdict === undefined ? 'error' : verdict.allowed ? 'allowed' : 'refused'
      const given = verdict ?? fault
      // The validating webhook is asked about the same request, and says what became of it.
      if (given.reason === 'NothingToHold') {
        count(webhook, request, { ports, verdict: answer, reason: given.reason, ms })
        return given
      }
      tell(webhook, request, { ports, verdict: given, answer, ms })
      // That it was marked says nothing more than `Held`, or whatever the validating webhook says of the same request.
      if (given.reason === 'HoldSet')
        return { ...given, audit: { verdict: answer, reason: given.reason, ...given.audit } }
      const recorded = record(request, verdict, { ports, webhook, at, ms })
      return { ...given, audit: { verdict: answer, reason: given.reason, ...given.audit, ...recorded } }
    }
    let verdict: Verdict
    try {
      verdict = await handle(request)
    } catch (error) {
      throw new Undecided(answered(undefined).audit, error)
    } finally {
      ports.metrics.inFlight.dec()
    }
    return answered(verdict)
  }
}

/** A dry run decides nothing: it is counted, and in no record. */
const record = (
  request: AdmissionRequest,
  verdict: Verdict | undefined,
  { ports, ...answered }: Answered & { readonly ports: DecisionPorts },
): Readonly<Record<string, string>> =>
  request.dryRun ? {} : ports.record(decidedOf(request, verdict, answered))

type Told = {
  readonly ports: DecisionPorts
  readonly verdict: Verdict
  readonly answer: string
  readonly ms: number
}

function tell(webhook: string, request: AdmissionRequest, { ports, verdict, answer, ms }: Told): void {
  count(webhook, request, { ports, verdict: answer, reason: verdict.reason, ms })
  const fields = {
    audit: true,
    webhook,
    verdict: answer,
    reason: verdict.reason,
    request: request.uid,
    kind: request.kind.kind,
    namespace: request.namespace,
    name: request.name,
    object: textAt(request.object, 'metadata', 'uid'),
    operation: request.operation,
    user: request.user.username,
    dryRun: request.dryRun,
    ms: Math.round(ms),
    warnings: verdict.warnings.length,
    ...(verdict.audit['run'] === undefined ? {} : { run: verdict.audit['run'] }),
    ...(verdict.audit['plugins'] === undefined ? {} : { plugins: verdict.audit['plugins'] }),
    ...(verdict.allowed ? {} : { said: verdict.message }),
  }
  ports.log.info(fields, 'decision')
}

// A label is for ever: who knows the path could fill the memory with kinds.
const known: ReadonlySet<string> = new Set([
  'Backup',
  'Restore',
  'Action',
  'VeleroPlugin',
  'Deployment',
  'Pod',
])

type Counted = {
  readonly ports: DecisionPorts
  readonly verdict: string
  readonly reason: string
  readonly ms: number
}

function count(webhook: string, request: AdmissionRequest, { ports, verdict, reason, ms }: Counted): void {
  const { requests, duration } = ports.metrics
  const kind = known.has(request.kind.kind) ? request.kind.kind : 'other'
  requests.inc(webhook, kind, request.operation, verdict, reason, String(request.dryRun))
  duration.observe(ms / 1000, webhook, verdict)
}
