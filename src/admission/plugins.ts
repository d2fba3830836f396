/** The validating webhook on VeleroPlugins: one that cannot be used is refused when it is applied, with every problem and its field path. */
import { minimal } from '../api/minimal.ts'
import { sentenceOf, type FieldProblem } from '../api/problems.ts'
import { veleroPluginKind } from '../api/velero-plugin.ts'
import type { AdmissionRequest, RequestUser } from '../core/admission-request.ts'
import { gather } from '../core/plugin/gather.ts'
import { readDocument, type PluginDocument } from '../core/plugin/sources.ts'
import { isSame } from '../core/same.ts'
import { allow, deny, type Verdict } from '../core/verdict.ts'
import { at } from '../core/velero.ts'
import type { Clock } from '../clock.ts'
import { lookFor } from './look.ts'
import type { PluginPorts } from './plugin-ports.ts'

/** What the webhook works with. */
export type PluginCheckPorts = {
  readonly plugins: PluginPorts
  readonly clock: Clock
  readonly isVelero: (user: RequestUser, namespace: string) => boolean
}

const off =
  'tidewaiter: plugins are switched off, so nothing checks or injects this one (VELERO_PLUGINS_ENABLED=true switches them on)'

/** Decides whether a VeleroPlugin may be written. Its image is not asked for: that is told in its conditions. */
export function createPluginCheck(ports: PluginCheckPorts): (request: AdmissionRequest) => Promise<Verdict> {
  return async (request) => {
    if (request.operation !== 'CREATE' && request.operation !== 'UPDATE') return allow('NotOurs')
    const isUnchanged = request.operation === 'UPDATE' && isSameSpec(request)
    if (!ports.plugins.isOn) return allow('PluginsOff', '', isUnchanged ? [] : [off])
    if (isUnchanged) return allow('SpecUnchanged')
    // A disaster is no time to refuse what comes out of a Restore: the checks and the webhook on the Deployment find the same.
    if (ports.isVelero(request.user, request.namespace)) return allow('PluginRestored')
    const read = readDocument(request.object)
    if (read.kind !== 'plugins') return allow('NotOurs')
    return check(request, read.document, ports)
  }
}

const isSameSpec = ({ object, oldObject }: AdmissionRequest): boolean =>
  isSame(specOf(object), specOf(oldObject))

/** Without what the schema fills in. */
const specOf = (object: unknown): unknown => minimal(veleroPluginKind.spec, at(object, 'spec'))

async function check(
  request: AdmissionRequest,
  document: PluginDocument,
  { plugins, clock }: PluginCheckPorts,
): Promise<Verdict> {
  const declared = await lookFor(request, clock, (signal) => plugins.declared(request.namespace, signal))
  if (declared === undefined) return deny('PluginsUnknown', unknown(document.label), { code: 504 })
  const others = declared.filter(({ label }) => label !== document.label)
  const problems = gather([...others, document], plugins.hash).problems.filter(
    (problem) => problem.document === others.length,
  )
  return problems.length === 0
    ? allow('PluginAccepted')
    : deny('PluginInvalid', invalid(document.label, problems), { code: 422 })
}

function invalid(label: string, problems: readonly FieldProblem[]): string {
  const lines = problems.map((problem) => `- ${sentenceOf(problem)}`)
  return `${label} has ${problems.length === 1 ? '1 problem' : `${problems.length} problems`}:\n${lines.join('\n')}`
}

const unknown = (label: string): string =>
  `${label} was not written: tidewaiter did not learn in time which other plugins are declared. Try again`
