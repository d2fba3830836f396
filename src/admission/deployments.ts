/** The mutating webhook on Velero's Deployments: the plugins that are declared go in, checked and pinned, or nothing is written. */
import type { AdmissionRequest } from '../core/admission-request.ts'
import { admit, type Admitted } from '../core/plugin/admit.ts'
import { auditLine, carriedWarnings, pluginRefusal } from '../core/plugin/admit-words.ts'
import { readPodTemplate, type PodTemplate } from '../core/plugin/deployment.ts'
import { templateChange } from '../core/plugin/template-change.ts'
import { breakGlass } from '../core/refusal.ts'
import { allow, deny, patched, type Verdict } from '../core/verdict.ts'
import { at, textAt } from '../core/velero.ts'
import type { Clock } from '../clock.ts'
import { lookFor } from './look.ts'
import type { Known, PluginPorts } from './plugin-ports.ts'

/** What the webhook works with. */
export type DeploymentPorts = { readonly plugins: PluginPorts; readonly clock: Clock }

/** Decides how a Deployment is written. A dry run is answered the same: nothing has an effect. */
export function createDeployments(ports: DeploymentPorts): (request: AdmissionRequest) => Promise<Verdict> {
  return async (request) => {
    if (request.operation !== 'CREATE' && request.operation !== 'UPDATE') return allow('NotOurs')
    if (!ports.plugins.isOn) return allow('PluginsOff')
    const template = readPodTemplate(request.object)
    if (template === undefined) return allow('NotVelero')
    return untouched(request) ?? (await weigh(request, template, ports))
  }
}

/** The answer to whoever changes nothing of the template beside what is ours: what is new waits for a rollout that is meant. */
function untouched({ operation, object, oldObject }: AdmissionRequest): Verdict | undefined {
  if (operation !== 'UPDATE') return undefined
  switch (templateChange(object, oldObject)) {
    case 'none':
      return allow('TemplateUnchanged')
    case 'ours lost':
      return patched('PluginsPutBack', [
        { op: 'replace', path: '/spec/template', value: at(oldObject, 'spec', 'template') },
      ])
    case 'changed':
      return undefined
  }
}

async function weigh(
  request: AdmissionRequest,
  template: PodTemplate,
  { plugins, clock }: DeploymentPorts,
): Promise<Verdict> {
  const where = {
    namespace: request.namespace,
    name: request.name || textAt(request.object, 'metadata', 'generateName'),
  }
  const known = await lookFor(request, clock, (signal) =>
    plugins.known({ namespace: request.namespace, template }, signal),
  )
  if (known === undefined) return deny('PluginsUnknown', unknown(where), { code: 504 })
  const { findings, problems, accountSecrets } = known
  const before = request.operation === 'UPDATE' ? readPodTemplate(request.oldObject) : undefined
  const admitted = admit({ template, before, findings, problems, accountSecrets }, plugins.hash)
  const verdict =
    admitted.do === 'refuse'
      ? deny('PluginsRefused', pluginRefusal(where, admitted.blocked, problems))
      : carried(admitted, known)
  return { ...verdict, audit: findings.length === 0 ? {} : { plugins: auditLine(findings) } }
}

function carried(
  { operations, choices, warnings: placing }: Extract<Admitted, { readonly do: 'carry' }>,
  { warnings }: Known,
): Verdict {
  const told = [
    ...choices.flatMap(carriedWarnings),
    ...[...placing, ...warnings].map((warning) => `tidewaiter: ${warning}`),
  ]
  return operations.length === 0
    ? allow('PluginsCarried', '', told)
    : { ...patched('PluginsInjected', operations), warnings: told }
}

const unknown = ({ namespace, name }: { readonly namespace: string; readonly name: string }): string =>
  `tidewaiter refused Deployment ${namespace}/${name}: it did not learn in time which plugins Velero must carry. ` +
  `The Deployment was not written. Try again. ${breakGlass(namespace)}`
