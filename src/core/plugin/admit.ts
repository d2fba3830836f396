/** Whether a Deployment that runs Velero may be written, and with which plugins. */
import { choiceFor, type Choice } from './choice.ts'
import type { PodTemplate } from './deployment.ts'
import type { PluginFindings } from './findings.ts'
import type { Hash } from './names.ts'
import { pluginPatch, type Operation } from './patch.ts'
import { withAccountSecrets } from './pod-credentials.ts'

/** A Deployment that is being written, and what is known of the plugins it must carry. */
export type Written = {
  readonly template: PodTemplate
  /** As it was; undefined on CREATE. */
  readonly before: PodTemplate | undefined
  readonly findings: readonly PluginFindings[]
  /** What is wrong with declarations: their plugins are not among the findings. */
  readonly problems: readonly string[]
  /** The pull secrets of the ServiceAccount that Velero runs as, where they count; undefined: not known. */
  readonly accountSecrets: readonly string[] | undefined
}

/** What becomes of the write. */
export type Admitted =
  | {
      readonly do: 'carry'
      readonly operations: readonly Operation[]
      /** Of the plugins that an initContainer of ours (or the very one that another wrote) brings. */
      readonly choices: readonly Choice[]
      /** What must be told of where they went. */
      readonly warnings: readonly string[]
    }
  | { readonly do: 'refuse'; readonly blocked: readonly PluginFindings[] }

/**
 * Decides. A plugin that another's initContainer brings under another name is not judged: nothing of it is added. Whatever is wrong
 * with a declaration refuses, because a plugin that cannot be read would else be taken for declared no more.
 */
export function admit(written: Written, hash: Hash): Admitted {
  const { template, before, findings, problems } = written
  const all = findings.map((one) => choiceFor(one, before)).sort(inFormerOrder)
  const patch = pluginPatch(
    template,
    all.map(({ plugin }) => withAccountSecrets(plugin, written)),
    hash,
  )
  const choices = all.filter((_, index) => patch.injections[index]?.isInjected === true)
  const blocked = choices.flatMap((one) => (one.how === 'blocked' ? [one.findings] : []))
  return blocked.length + problems.length > 0
    ? { do: 'refuse', blocked }
    : { do: 'carry', operations: patch.operations, choices, warnings: patch.warnings }
}

/** What is written anew without ours gets them back in the order they had, and the template is the same. */
const inFormerOrder = (one: Choice, other: Choice): number =>
  one.index === other.index ? 0 : one.index - other.index
