/** The operations port: /metrics, /healthz and /readyz over plain HTTP. It tells nothing that is secret. */
import Fastify, { type FastifyInstance } from 'fastify'
import { withoutSchemas } from '../lean/fastify.ts'
import type { Registry } from '../lean/prom-client.ts'

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
  const app = Fastify({
    ...withoutSchemas,
    bodyLimit: 1024,
    requestTimeout: 5_000,
    forceCloseConnections: true,
  })
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
      await listenAnywhere(app, host, port)
      const address = app.server.address()
      return { port: typeof address === 'object' && address !== null ? address.port : port }
    },
    close: () => app.close(),
  }
}

/** Every address of the machine where no host is given; a kernel without IPv6 has only the IPv4 ones. */
async function listenAnywhere(app: FastifyInstance, host: string, port: number): Promise<void> {
  try {
    await app.listen({ host: host === '' ? '::' : host, port })
  } catch (error) {
    const without6 = error instanceof Error && 'code' in error && error.code === 'EAFNOSUPPORT'
    if (host !== '' || !without6) throw error
    await app.listen({ host: '0.0.0.0', port })
  }
}
