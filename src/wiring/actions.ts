/** The world of the webhooks on Actions, from the process's. */
import { X509Certificate } from 'node:crypto'
import type { ActionPorts } from '../admission/action-ports.ts'
import { parseAction } from '../api/parse.ts'
import { mayGet, secretFacts } from './secrets.ts'
import { isVelero, minimalSpec, stampTools, type World } from './world.ts'

const block = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g

/** A sentence if the text is not one or more PEM certificates. */
export function pemProblem(pem: string): string | undefined {
  const blocks = pem.match(block) ?? []
  if (blocks.length === 0) return 'there is no certificate in it'
  for (const [index, one] of blocks.entries()) {
    if (!isReadable(one)) return `certificate ${index + 1} of ${blocks.length} cannot be read`
  }
  return undefined
}

function isReadable(pem: string): boolean {
  try {
    return new X509Certificate(pem).fingerprint256 !== ''
  } catch {
    // Whoever wrote it is told; why OpenSSL could not read it says nothing to a person.
    return false
  }
}

/** The ports of the webhooks on Actions. */
export function actionPorts(world: World): ActionPorts {
  return {
    parse: parseAction,
    tools: { checkExpression: world.cel.check, parsePem: pemProblem },
    stampTools: () => stampTools(world),
    minimalSpec,
    isVelero: (user, namespace) => isVelero(world, user, namespace),
    mayGetSecret: (user, namespace, name) => mayGet(world.review, user, { namespace, name }),
    secret: (namespace, name) => secretFacts(world.calls, namespace, name),
  }
}
