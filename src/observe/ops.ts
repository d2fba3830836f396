/** The operations port: /metrics, /healthz and /readyz over plain HTTP. It tells nothing that is secret. */
import Fastify from 'fastify'
import type { Registry } from 'prom-client'

/** What the port shows. */
export type OpsPorts = {
  readonly registry: Registry
  /** Why this replica is not ready; empty while it is. */
  readonly notReady: () => readonly string[]
}

/** A server that can be listened with and closed. */
export type OpsServer = {
  readonly listen: (at: {
    readonly host: string
    readonly port: number
  }) => Promise<{ readonly port: number }>
  readonly close: () => Promise<void>
}

/** Builds the server; nothing listens yet. */
export function buildOps({ registry, notReady }: OpsPorts): OpsServer {
  const app = Fastify({ bodyLimit: 1024, requestTimeout: 5_000, forceCloseConnections: true })
  app.get('/healthz', () => 'ok\n')
  app.get('/readyz', (_request, reply) => {
    const reasons = notReady()
    return reasons.length === 0 ? 'ok\n' : reply.code(503).send(`${reasons.join('\n')}\n`)
  })
  app.get('/metrics', async (_request, reply) =>
    reply.type(registry.contentType).send(await registry.metrics()),
  )
  return {
    listen: async ({ host, port }) => {
      await app.listen({ host: host === '' ? '::' : host, port })
      const address = app.server.address()
      return { port: typeof address === 'object' && address !== null ? address.port : port }
    },
    close: () => app.close(),
  }
}
