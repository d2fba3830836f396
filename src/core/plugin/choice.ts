/** What is to become of one declared plugin in a Deployment that is being written: by its findings, and by what the Deployment carried before. */
import { pullPolicies } from '../../api/velero-plugin.ts'
import { parseImage, placeOf, type ImageReference } from '../image.ts'
import { pinned, type CarriedPlugin, type DeclaredPlugin } from './declared.ts'
import type { InitContainer, PodTemplate } from './deployment.ts'
import { standingOf, type PluginFindings } from './findings.ts'
import { isByUs, marked, pullSecretsAnnotation } from './patch.ts'

/** What the Deployment carried of a plugin before: the initContainer that has its image from us, and the digest that its image is pinned to. */
type Former = {
  readonly initContainer: InitContainer
  readonly index: number
  readonly reference: ImageReference & { readonly digest: string }
  readonly pullSecrets: readonly string[]
}

/** What becomes of a plugin. */
export type Choice = {
  readonly findings: PluginFindings
  /** As it goes into the Deployment. */
  readonly plugin: CarriedPlugin
  /** Carried because all is well; although it is not (Warn); as it was before, because it is not (Enforce); or not to be carried. */
  readonly how: 'ready' | 'warned' | 'as before' | 'blocked'
  /** Its tag is another image now; what was pinned stays. */
  readonly isMoved: boolean
  /** What its tag was pinned to in the Deployment, where the checks speak of another digest: that one takes its place. */
  readonly unchecked: string | undefined
  /** Where it was among the initContainers before. */
  readonly index: number
}

/** Chooses for one plugin; `before` is undefined where the Deployment is new. */
export function choiceFor(findings: PluginFindings, before: PodTemplate | undefined): Choice {
  const { plugin } = findings
  const former = formerOf(plugin, before)
  const digest = pinOf(findings, former)
  const declared = digest === undefined ? plugin : pinned(plugin, digest)
  const common = {
    findings,
    isMoved: isMoved(findings),
    unchecked: uncheckedOf(plugin, former, digest),
    index: former?.index ?? Number.POSITIVE_INFINITY,
  }
  if (standingOf(findings) === 'Ready') return { ...common, plugin: declared, how: 'ready' }
  if (plugin.enforcement === 'Warn') return { ...common, plugin: declared, how: 'warned' }
  return former === undefined
    ? { ...common, plugin: declared, how: 'blocked' }
    : { ...common, plugin: asBefore(plugin, former), how: 'as before' }
}

const isMoved = ({ results }: PluginFindings): boolean =>
  results.some(({ check, ok }) => check === 'TagUnmoved' && ok === false)

/** Of the same plugin, that we wrote, pinned: another's, or one that was let in without a digest, was never found good. */
function formerOf(plugin: DeclaredPlugin, before: PodTemplate | undefined): Former | undefined {
  if (before === undefined) return undefined
  const secrets = before.imagePullSecrets ?? []
  const pullSecrets = marked(before, pullSecretsAnnotation).filter((name) => secrets.includes(name))
  const found = (before.initContainers ?? []).flatMap((initContainer, index) => {
    const read = parseImage(initContainer.image)
    if (!isByUs(before, initContainer) || !('ok' in read)) return []
    const { digest, ...reference } = read.ok
    return digest === undefined || placeOf(reference) !== placeOf(plugin.reference)
      ? []
      : [{ initContainer, index, reference: { ...reference, digest }, pullSecrets }]
  })
  return found[0]
}

/**
 * The digest that a person named, else the one that the checks speak of, which look at what is carried first of all. The carried one
 * counts by itself only while they know of none: after `kubectl rollout undo` it may be one that nobody checked.
 */
const pinOf = (
  { plugin: { reference }, digest }: PluginFindings,
  former: Former | undefined,
): string | undefined =>
  reference.digest ?? digest ?? (isSameTag(reference, former) ? former?.reference.digest : undefined)

const isSameTag = ({ tag }: ImageReference, former: Former | undefined): boolean =>
  former !== undefined && former.reference.tag === tag

/** A person who names a digest means another one than before. */
function uncheckedOf(
  { reference }: DeclaredPlugin,
  former: Former | undefined,
  digest: string | undefined,
): string | undefined {
  const carried = former?.reference.digest
  return reference.digest === undefined && isSameTag(reference, former) && carried !== digest
    ? carried
    : undefined
}

/** All as it was, pull secrets too: which of them it needs is not written down. */
function asBefore(plugin: DeclaredPlugin, { initContainer, reference, pullSecrets }: Former): CarriedPlugin {
  const { imagePullSecret: _, ...rest } = plugin
  return {
    ...rest,
    image: initContainer.image,
    reference,
    imagePullPolicy:
      pullPolicies.find((one) => one === initContainer.imagePullPolicy) ?? plugin.imagePullPolicy,
    morePullSecrets: pullSecrets,
  }
}
