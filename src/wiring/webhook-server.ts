/** The webhook server of one process: its certificate follows the Secret or the files, and it drains when it is closed. */
import { buildAdmission, type AdmissionServer } from '../admission/server.ts'
import { isKubeError } from '../kube/errors.ts'
import { DeclarationsUnread } from '../plugins/book.ts'
import { listening } from './listening.ts'
import type { performerOf } from './perform.ts'
import type { Credentials } from './tls.ts'
import { endpointsOf } from './webhooks.ts'
import type { World } from './world.ts'

/** What the server is started with. */
export type Webhooking = {
  readonly world: World
  readonly credentials: Credentials
  readonly perform: ReturnType<typeof performerOf>
  readonly undo: (() => Promise<unknown>)[]
}

/** Starts it; `undo` learns how to close it. */
export async function startWebhook({
  world,
  credentials,
  perform,
  undo,
}: Webhooking): Promise<{ readonly port: number }> {
  const { config, clock, log, metrics } = world
  // Outside a cluster the registrations are taken away first: nobody has to learn that this replica goes.
  const drainMs = config.webhookUrl === undefined ? config.drainSeconds * 1000 : 0
  const server: AdmissionServer = buildAdmission({
    handlers: endpointsOf(world, perform),
    log,
    clock,
    pathPrefix: credentials.pathTokens,
    explain: (error) =>
      isKubeError(error) || error instanceof DeclarationsUnread ? error.message : undefined,
    mutualTls: config.clientCa !== undefined,
    limits: { drainMs },
  })
  metrics.certificate.set(credentials.expiresAt() / 1000)
  credentials.onChange(() => {
    server.setTls(credentials.server())
    metrics.certificate.set(credentials.expiresAt() / 1000)
  })
  const at = await listening('--listen', config.listen, () =>
    server.listen({ ...config.listen, tls: credentials.server() }),
  )
  undo.push(() => server.close())
  return at
}
