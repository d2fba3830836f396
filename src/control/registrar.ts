/** Keeps our CA bundle and paths in the webhook configurations. Leader only (outside a cluster: the one process). */
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
  readonly onKept: (name: string, inSync: boolean) => void
}

const everyMs = 10_000

/** Keeps them until the signal aborts; `now` looks at once. Never rejects. */
export async function keepRegistrations(ports: RegistrarPorts, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    for (const registration of ports.registrations)
      ports.onKept(registration.name, await keep(registration, ports))
    await ports.clock.sleep(everyMs, signal).catch(() => undefined)
  }
}

async function keep(registration: Registration, ports: RegistrarPorts): Promise<boolean> {
  try {
    const current = await registration.read()
    if (current === undefined) {
      ports.log.error(
        { name: registration.name },
        'the webhook configuration is missing: apply the manifests again',
      )
      return false
    }
    const wanted = registration.wanted()
    const missing = ports.missing(current, wanted)
    if (missing.length > 0)
      ports.log.error({ name: registration.name, missing }, 'webhooks are missing: apply the manifests again')
    const patch = ports.patchOf(current, wanted)
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
