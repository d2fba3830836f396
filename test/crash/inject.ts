/** Lets one fault happen to one call. */
import type { Clock } from '../../src/clock.ts'
import type { Fault } from './faults.ts'
import { isWatch, relay, type PassingCall, type Reply } from './proxy.ts'
import type { ServiceProcess } from './service-process.ts'

/** Whose call it is, and how that is killed. */
export type Culprit = {
  readonly clock: Clock
  readonly service: ServiceProcess
  readonly killSoon: (service: ServiceProcess) => void
}

// Shorter than any deadline of the service: the slowest of its calls to the API server has 5 s, an action of the harness 4 s.
const delayMs = 2_000
// Longer than all of them (the usual one has 10 s): who called has given it up, and it has its effect all the same.
const lateMs = 12_000

/** Lets it happen. */
export async function inject(fault: Fault, call: PassingCall, culprit: Culprit): Promise<void> {
  const { clock, service, killSoon } = culprit
  switch (fault) {
    case 'killed before':
    case 'killed after':
      // A watch has no end.
      if (fault === 'killed after' && !isWatch(call.wire)) await call.pass()
      killSoon(service)
      await service.ended
      return call.cut()
    case 'cut after':
      await call.pass()
      return call.cut()
    case 'delayed':
      await clock.sleep(delayMs)
      return call.isOpen() ? relay(call) : undefined
    case 'late':
      await clock.sleep(lateMs)
      return relay(call)
    case 'twice':
      await call.pass()
      return relay(call)
    case '409':
    case '429':
    case '500':
      return call.answer(refusing(fault))
  }
}

const reasons = { '409': 'Conflict', '429': 'TooManyRequests', '500': 'InternalError' }

function refusing(code: '409' | '429' | '500'): Reply {
  const body = {
    kind: 'Status',
    apiVersion: 'v1',
    status: 'Failure',
    reason: reasons[code],
    code: Number(code),
    message: `the harness answers ${code}`,
  }
  const headers: Record<string, string> = { 'content-type': 'application/json' }
  if (code === '429') headers['retry-after'] = '1'
  return { status: Number(code), headers, body: Buffer.from(JSON.stringify(body)) }
}
