/** Keeps our CA bundle and paths in the webhook configurations. Leader only (outside a cluster: the one process). */
import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'

/** One webhook configuration that is to be kept. */
export type Registration = {
  readonly name: string
  readonly wanted: () => unknown
  readonly read: () => Promise<unknown>
  readonly patch: (operations: readonly unknown[]) => Promise<void>
}

/** What keeping needs. */
export type RegistrarPorts = {
  readonly clock: Clock
  readonly log: Log
  readonly registrations: readonly Registration[]
  readonly patchOf: (current: unknown, wanted: unknown) => readonly unknown[] | undefined
  readonly missing: (current: unknown, wanted: unknown) => readonly string[]
  /** Makes all of them anew, where they are ours to make: outside a cluster. In it they are those of the manifests. */
  readonly remake: (() => Promise<void>) | undefined
  readonly onKept: (name: string, inSync: boolean) => void
  /** Whether this process still leads: after a pause it may not, and what it knows may be long past. */
  readonly holds: () => boolean
}

// What others change in them is found this late; what we want anew, at the next second.
const everyMs = 10_000
const soonMs = 1_000

/** Keeps them until the signal aborts. Never rejects. */
export async function keepRegistrations(ports: RegistrarPorts, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const wanted = wantedNow(ports)
    for (const registration of ports.registrations)
      ports.onKept(registration.name, await keep(registration, ports))
    await untilDue(ports, wanted, signal)
  }
}

const wantedNow = ({ registrations }: RegistrarPorts): readonly unknown[] =>
  registrations.map(({ wanted }) => wanted())

/** A turn of certificates waits for each registration: it is not kept waiting for the next look. */
async function untilDue(ports: RegistrarPorts, wanted: unknown, signal: AbortSignal): Promise<void> {
  for (let waited = 0; waited < everyMs && !signal.aborted; waited += soonMs) {
    await ports.clock.sleep(soonMs, signal).catch(() => undefined)
    if (!isDeepStrictEqual(wantedNow(ports), wanted)) return
  }
}

/** It is gone, or lacks webhooks; whether all is as it should be now. */
async function lost(
  { name }: Registration,
  { log, remake, holds }: RegistrarPorts,
  missing: readonly string[],
): Promise<boolean> {
  const what = missing.length === 0 ? 'the webhook configuration is missing' : 'webhooks are missing'
  const of = missing.length === 0 ? { name } : { name, missing }
  if (remake === undefined || !holds()) {
    log.error(of, `${what}: apply the manifests again`)
    return false
  }
  await remake()
  log.warn(of, `${what}: made anew`)
  return true
}

async function keep(registration: Registration, ports: RegistrarPorts): Promise<boolean> {
  try {
    const current = await registration.read()
    if (current === undefined) return await lost(registration, ports, [])
    const wanted = registration.wanted()
    const missing = ports.missing(current, wanted)
    if (missing.length > 0 && (await lost(registration, ports, missing))) return true
    const patch = ports.patchOf(current, wanted)
    if (patch !== undefined && !ports.holds()) return false
    if (patch !== undefined) {
      await registration.patch(patch)
      ports.log.info({ name: registration.name }, 'filled our CA and paths into the webhook configuration')
    }
    return missing.length === 0
  } catch (error) {
    ports.log.warn(
      { name: registration.name, err: error },
      'the webhook configuration could not be kept; trying again',
    )
    return false
  }
}
