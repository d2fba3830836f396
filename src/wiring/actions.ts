/** The world of the webhooks on Actions, from the process's. */
import type { ActionPorts } from '../admission/action-ports.ts'
import { parseAction } from '../api/parse.ts'
import { parsePem } from '../net/pem.ts'
import { mayBecome, mayUse } from './actors.ts'
import { mayGet, secretFacts } from './secrets.ts'
import { isVelero, minimalSpec, stampTools, type World } from './world.ts'

/** The ports of the webhooks on Actions. */
export function actionPorts(world: World): ActionPorts {
  return {
    parse: parseAction,
    tools: { checkExpression: world.cel.check, unknownFields: world.cel.unknownFields, parsePem },
    stampTools: () => stampTools(world),
    minimalSpec,
    isVelero: (user, namespace) => isVelero(world, user, namespace),
    mayGetSecret: (user, namespace, name) => mayGet(world.review, user, { namespace, name }),
    mayUseAccount: (user, namespace, name) => mayUse(world.review, user, { namespace, name }),
    mayBecome: (namespace, name) => mayBecome(world.review, { namespace, name }),
    secret: (namespace, name) => secretFacts(world.calls, namespace, name),
  }
}
