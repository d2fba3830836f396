/** fastify without its compilers of JSON schemas, a hundred files at each start: no route of ours has a schema. */
import type { FastifyServerOptions } from 'fastify'

const none = (): never => {
  throw new TypeError('a route has a schema, and the server was built without schemas')
}

/** Options of a server whose routes have no schemas. */
export const withoutSchemas = {
  schemaController: { compilersFactory: { buildValidator: none, buildSerializer: none } },
} satisfies FastifyServerOptions
