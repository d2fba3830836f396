/** The webhooks of one process: which path is answered by what. */
import { createActionCheck } from '../admission/actions.ts'
import { createAuthor } from '../admission/author.ts'
import { createDeployments } from '../admission/deployments.ts'
import { createGate } from '../admission/gate.ts'
import { createHold } from '../admission/hold.ts'
import { createPluginCheck } from '../admission/plugins.ts'
import type { Endpoint } from '../admission/ports.ts'
import type { AdmissionRequest } from '../core/admission-request.ts'
import { probed } from '../core/probe.ts'
import type { WebhookRoute } from '../core/registration.ts'
import { allow, type Verdict } from '../core/verdict.ts'
import { told } from '../observe/decisions.ts'
import { actionPorts } from './actions.ts'
import { gatePorts } from './gate.ts'
import type { Performing } from '../core/run/performing.ts'
import { isVelero, type World } from './world.ts'
import type { Outcome } from '../core/outcome.ts'

type Handle = (request: AdmissionRequest) => Promise<Verdict>

const passed = (request: AdmissionRequest): Verdict | undefined =>
  probed(request) === undefined ? undefined : allow('Probe')

/** Every endpoint, its decisions told. */
export function endpointsOf(
  world: World,
  perform: (performing: Performing) => Promise<Outcome>,
): readonly Endpoint[] {
  const { clock, log, metrics, plugins, record } = world
  const gate = gatePorts(world, perform)
  const actions = actionPorts(world)
  const handlers: Readonly<Record<WebhookRoute, Handle>> = {
    backups: createGate('Backup', gate),
    restores: createGate('Restore', gate),
    actions: createActionCheck(actions),
    author: createAuthor(actions),
    plugins: createPluginCheck({
      plugins,
      clock,
      isVelero: (user, namespace) => isVelero(world, user, namespace),
    }),
    deployments: createDeployments({ plugins, clock }),
    hold: createHold(gate),
  }
  return Object.entries(handlers).map(([route, handle]) => {
    const counted = told(route, handle, { clock, log, metrics, record })
    // A probe is answered before it is told: one a minute for each replica would drown the audit log. The validating webhook
    // answers it: what is refused before that shows nothing of what guards.
    const probe = route === 'hold' ? passed : probed
    return { path: `/${route}`, handle: (request) => Promise.resolve(probe(request) ?? counted(request)) }
  })
}
