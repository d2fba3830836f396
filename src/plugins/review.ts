/**
 * What is known of plugins for a pod template that is being written. The book looks at them with the credentials of the Deployments that
 * are there; one that comes with others (the first one of an install has no other) is looked at with its own.
 */
import { agoMs, momentOf, type Moment } from '../clock.ts'
import { checkMs, freshMs } from './pace.ts'
import type { PodTemplate } from '../core/plugin/deployment.ts'
import { standingOf, type PluginFindings } from '../core/plugin/findings.ts'
import { withLastKnown } from '../core/plugin/last-known.ts'
import { credentialsBeside, credentialsOf } from '../core/plugin/pod-credentials.ts'
import { isSame } from '../core/same.ts'
import type { BookPorts } from './book-ports.ts'
import { checkPlugin } from './check.ts'
import type { Entry } from './entry.ts'

/** A template that is being written. */
export type Written = { readonly namespace: string; readonly template: PodTemplate }

/** Looks at plugins for templates that are being written. */
export type Reviews = {
  /** Whether what is known of a plugin says nothing of this template. */
  readonly needed: (written: Written, entry: Entry) => boolean
  readonly review: (written: Written, entry: Entry, signal: AbortSignal) => Promise<PluginFindings>
}

type Kept = { readonly credentials: unknown; readonly at: Moment; readonly found: PluginFindings }

/** With an empty memory: of each plugin the last look is kept, for whoever tries again and again. */
export function createReviews(ports: BookPorts): Reviews {
  const kept = new WeakMap<Entry, Kept>()
  return {
    needed: ({ namespace, template }, entry) => {
      const followed = ports.templates(namespace).map(credentialsOf)
      const beside = credentialsBeside(credentialsOf(template), followed)
      // What can be pulled can be pulled with more credentials too.
      return beside === 'less' || (beside === 'more' && standingOf(entry.findings()) !== 'Ready')
    },
    review: async ({ namespace, template }, entry, signal) => {
      const credentials = credentialsOf(template)
      const last = kept.get(entry)
      const isFresh = last !== undefined && agoMs(ports.clock, last.at) < freshMs
      if (isFresh && isSame(last.credentials, credentials)) return last.found
      const pinnedBefore = entry.pin(ports.templates(namespace))
      const now = await checkPlugin(
        { plugin: entry.plugin, pinnedBefore, signal, timeoutMs: checkMs },
        ports.checks(namespace, [credentials]),
      )
      const found = { plugin: now.plugin, ...withLastKnown(now, entry.findings()) }
      if (!signal.aborted) kept.set(entry, { credentials, at: momentOf(ports.clock), found })
      return found
    },
  }
}
