/** The sentences about plugins that whoever writes a Velero Deployment sees. */
import { imageText } from '../image.ts'
import { notChecked } from '../plugin-check/result.ts'
import { breakGlass } from '../refusal.ts'
import type { Choice } from './choice.ts'
import type { DeclaredPlugin } from './declared.ts'
import { objectionsTo, standingOf, type PluginFindings } from './findings.ts'

/** Which Deployment is spoken of. */
export type WrittenAt = { readonly namespace: string; readonly name: string }

/** Why a plugin is not Ready: each check that keeps it from that. */
function objections(findings: PluginFindings): string {
  const objecting = objectionsTo(findings)
  // What waits for another check adds nothing to what that one says.
  const telling = objecting.filter(({ reason }) => reason !== notChecked)
  const found = (telling.length === 0 ? objecting : telling).map(
    ({ check, ok, reason, message }) =>
      `${check} is ${ok === false ? 'False' : 'Unknown'} (${reason}): ${message}`,
  )
  return found.length === 0 ? 'its checks were not made yet' : found.join('; ')
}

/** `plugin acme (VeleroPlugin velero/acme)`. */
const named = ({ name, declaredIn }: DeclaredPlugin): string => `plugin ${name} (${declaredIn})`

const counted = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`

// All of a refusal arrives, the ways out at its end too: 16,384 characters do (admission/warnings.ts).
const mostLines = 20
const longestLine = 600

/** The refusal: every plugin that keeps the Deployment from being written, every reason, and the ways out. */
export function pluginRefusal(
  { namespace, name }: WrittenAt,
  blocked: readonly PluginFindings[],
  problems: readonly string[],
): string {
  const lines = [
    ...blocked.map((one) => `${named(one.plugin)}, ${one.plugin.image}: ${objections(one)}`),
    ...problems,
  ]
  const why = [
    ...(blocked.length === 0 ? [] : [`${counted(blocked.length, 'plugin')} may not be carried`]),
    ...(problems.length === 0 ? [] : [`${counted(problems.length, 'problem')} in what declares plugins`]),
  ]
  return (
    `tidewaiter refused Deployment ${namespace}/${name}: ${why.join(', ')}:\n${listed(lines)}\n` +
    `The Deployment was not written. ${waysOut(blocked, problems)}. ${breakGlass(namespace)}`
  )
}

function listed(lines: readonly string[]): string {
  const shown = lines.slice(0, mostLines).map((line) => `- ${cut(line)}`)
  const more = lines.length - shown.length
  return [...shown, ...(more > 0 ? [`- and ${more} more`] : [])].join('\n')
}

const cut = (line: string): string =>
  line.length > longestLine ? `${line.slice(0, longestLine - 1)}…` : line

function waysOut(blocked: readonly PluginFindings[], problems: readonly string[]): string {
  const isOwn = ({ plugin }: PluginFindings): boolean => plugin.declaredIn.startsWith('VeleroPlugin ')
  return [
    'Mend what is wrong',
    ...(blocked.some(isOwn)
      ? [
          'let the plugin in with a warning (spec.enforcement: Warn of its VeleroPlugin)',
          'delete that VeleroPlugin',
        ]
      : []),
    ...(blocked.every(isOwn) ? [] : ['take the plugin out of the list that declares it']),
    ...(problems.length === 0 ? [] : ['take away what cannot be read']),
  ].join(', or ')
}

/** What must be told of a plugin that is carried: nothing, if all is well. */
export function carriedWarnings(choice: Choice): readonly string[] {
  const { findings, plugin, how, isMoved } = choice
  const who = named(findings.plugin)
  const moved = isMoved ? [movedWarning(findings.plugin)] : []
  switch (how) {
    case 'ready':
      return [...moved, ...repinned(choice)]
    case 'warned':
      return [
        ...moved,
        ...repinned(choice),
        `tidewaiter: ${who} is carried (enforcement: Warn) although ${objections(findings)}`,
      ]
    case 'as before':
      return [
        ...moved,
        `tidewaiter: ${who} stays as it was, ${imageText(plugin.reference)}, because ${objections(findings)}`,
      ]
    case 'blocked':
      return []
  }
}

const repinned = ({ findings, plugin, unchecked }: Choice): readonly string[] =>
  unchecked === undefined
    ? []
    : [
        `tidewaiter: ${named(findings.plugin)}: its image was pinned to ${unchecked}, which is not the one that was checked: it becomes ${imageText(plugin.reference)}`,
      ]

const movedWarning = (plugin: DeclaredPlugin): string => {
  const { digest: _, ...tagged } = plugin.reference
  return `tidewaiter: ${named(plugin)}: its tag was moved; the image that was pinned stays. To take the new one, name its digest: image: ${imageText(tagged)}@sha256:...`
}

/** One line for the audit log: `acme=Ready,other=NotReady:ManifestReachable/NotFound`. */
export const auditLine = (findings: readonly PluginFindings[]): string =>
  findings
    .map((one) => {
      const why = objectionsTo(one).map(({ check, reason }) => `${check}/${reason}`)
      return `${one.plugin.name}=${standingOf(one)}${why.length === 0 ? '' : `:${why.join('+')}`}`
    })
    .join(',')
