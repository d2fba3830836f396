/**
 * The book of plugins: what is declared for each Velero, and what is known of each plugin. In every replica; checks are made ahead of
 * time, one after another for each plugin, so that admission is answered from memory.
 */
import { sentenceOf } from '../api/problems.ts'
import { gather, type Gathered } from '../core/plugin/gather.ts'
import { standingOf, type PluginFindings } from '../core/plugin/findings.ts'
import { credentialsOf, type PodCredentials } from '../core/plugin/pod-credentials.ts'
import type { PluginDocument } from '../core/plugin/sources.ts'
import { isSame as isSameJson } from '../core/same.ts'
import { unlessAborted } from '../until.ts'
import type { BookPorts, Source } from './book-ports.ts'
import { checkPlugin } from './check.ts'
import { accountSecretsFor } from './account-secrets.ts'
import { Entry, keyOf } from './entry.ts'
import { checkMs, freshMs } from './pace.ts'
import { createReviews, type Written } from './review.ts'

/** What is known of the plugins of a namespace. */
export type Known = {
  readonly findings: readonly PluginFindings[]
  readonly problems: readonly string[]
  readonly warnings: readonly string[]
  /** The problems by the document that has them: `VeleroPlugin velero/acme`. */
  readonly faults: ReadonlyMap<string, readonly string[]>
}

/** What is known for a template: the pull secrets of its ServiceAccount too, where they count; undefined: not known. */
export type KnownFor = Known & { readonly accountSecrets: readonly string[] | undefined }

/** The book of one process. */
export type Book = {
  /** Something that declares plugins, or carries them, changed. */
  readonly changed: (namespace: string) => void
  /** What registries are asked with, or which may be asked, changed: all is looked at again. */
  readonly renewed: (namespace: string) => void
  /** Looks at one plugin; says after how many milliseconds it is to be looked at again; undefined: never. */
  readonly look: (key: string, signal: AbortSignal) => Promise<number | undefined>
  readonly declared: (namespace: string, signal: AbortSignal) => Promise<readonly PluginDocument[]>
  /** For a pod template that is being written. */
  readonly known: (written: Written, signal: AbortSignal) => Promise<KnownFor>
  /** As `known`, of this moment; undefined while it is not known what is declared. */
  readonly now: (namespace: string) => Known | undefined
}

/** What is declared is not known well enough to be relied on. No bug: the API server was not heard of for too long. */
export class DeclarationsUnread extends Error {
  constructor(namespace: string, cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause)
    super(
      `what declares plugins for ${namespace} could not be read lately, and the API server did not answer (${why})`,
      { cause },
    )
  }
}

/** Most plugins of one Velero that are looked at: a pod with more initContainers does not start in any useful time. */
export const mostPlugins = 256

/** A book that is empty. */
export function createBook(ports: BookPorts): Book {
  const entries = new Map<string, Entry>()
  const pages = new Map<string, Page>()
  const reviews = createReviews(ports)
  const sync = (namespace: string): Page | undefined => {
    const sources = ports.sources(namespace)
    return sources === undefined ? undefined : turned(namespace, sources)
  }
  const turned = (namespace: string, sources: readonly Source[]): Page => {
    const documents = sources.map(({ document }) => document)
    const storedBy = new Map(sources.map(({ document, stored }) => [document.label, stored]))
    // A hundred plugins are asked for again and again, and seldom change.
    const former = pages.get(namespace)
    const gathered = isSame(former?.documents, documents) ? former.gathered : gather(documents, ports.hash)
    const plugins = gathered.plugins.slice(0, mostPlugins)
    const templates = ports.templates(namespace)
    const kept = plugins.map((plugin) => {
      const key = keyOf(namespace, plugin)
      const known = { stored: storedBy.get(plugin.declaredIn), templates }
      const before = entries.get(key)
      if (before?.isFor(plugin) === true) {
        before.renew(plugin, known)
        return [key, before] as const
      }
      const entry = new Entry(plugin, known, before)
      entries.set(key, entry)
      ports.offer(key)
      return [key, entry] as const
    })
    const credentials = templates.map(credentialsOf)
    // What Velero's pod has changed: what is known may be so no more.
    if (former !== undefined && !isSameJson(former.credentials, credentials))
      kept.forEach(([key]) => ports.offer(key))
    const here = new Set(kept.map(([key]) => key))
    for (const key of entries.keys())
      if (key.startsWith(`${namespace}/`) && !here.has(key)) entries.delete(key)
    const page = { entries: kept, gathered, documents, credentials }
    pages.set(namespace, page)
    return page
  }
  const read = async (namespace: string, signal: AbortSignal): Promise<Page> => {
    await unlessAborted(signal, ports.whenRead(namespace, signal))
    return sync(namespace) ?? turned(namespace, await asked(namespace, signal))
  }
  const asked = async (namespace: string, signal: AbortSignal): Promise<readonly Source[]> => {
    try {
      return await unlessAborted(signal, ports.ask(namespace, signal))
    } catch (error) {
      signal.throwIfAborted()
      throw new DeclarationsUnread(namespace, error)
    }
  }
  /** Before the first look Velero must be read, for what it carries counts as pinned; but who may not read it has plugins checked too. */
  const whenReadOrLate = async (namespace: string, signal: AbortSignal): Promise<void> => {
    const limit = ports.clock.abortAfter(checkMs)
    const until = AbortSignal.any([signal, limit.signal])
    try {
      await unlessAborted(until, ports.whenRead(namespace, until))
    } catch (error) {
      if (!until.aborted) throw error
    } finally {
      limit.release()
    }
  }
  /** From memory, or after the next look; or after a look of its own. */
  const findingFor = async ([key, entry]: Keyed, written: Written, signal: AbortSignal) => {
    if (reviews.needed(written, entry)) return reviews.review(written, entry, signal)
    if (isUnsure(entry, ports.clock.now())) {
      ports.offer(key)
      await unlessAborted(signal, entry.nextLook()).catch((error: unknown) => {
        if (!signal.aborted) throw error
      })
    }
    return entry.findings()
  }
  const findingsFor = (written: Written, { entries: all }: Page, signal: AbortSignal) =>
    Promise.all(all.map((keyed) => findingFor(keyed, written, signal)))
  return {
    changed: (namespace) => void sync(namespace),
    renewed: (namespace) => {
      for (const [key, entry] of pages.get(namespace)?.entries ?? []) {
        entry.renewWorld()
        ports.offer(key)
      }
    },
    look: async (key, signal) => {
      const entry = entries.get(key)
      if (entry === undefined) return undefined
      const [namespace = ''] = key.split('/')
      await whenReadOrLate(namespace, signal)
      const { plugin, renewals } = entry
      const templates = ports.templates(namespace)
      const found = await checkPlugin(
        { plugin, pinnedBefore: entry.pin(templates), signal, timeoutMs: checkMs },
        ports.checks(namespace, templates.map(credentialsOf)),
      )
      // Declared otherwise meanwhile, or no more: what was found is nobody's. The one in its place was offered when it came.
      if (entries.get(key) !== entry || signal.aborted) return undefined
      // The leader settled on another digest meanwhile, or another was injected: that one is to be looked at, and this one is nobody's.
      const pin = entry.pin(ports.templates(namespace))
      if (pin !== undefined && pin !== found.digest) return 0
      entry.take(found, { now: ports.clock.now(), renewals })
      ports.onFound(namespace, plugin)
      return entry.againInMs(ports.clock.random())
    },
    declared: async (namespace, signal) => (await read(namespace, signal)).documents,
    known: async (written, signal) => {
      const page = await read(written.namespace, signal)
      const [findings, account] = await Promise.all([
        findingsFor(written, page, signal),
        accountSecretsFor(written, page, { ports, signal }),
      ])
      const { warnings, ...known } = knownOf(page)
      return {
        ...known,
        findings,
        accountSecrets: account.secrets,
        warnings: [...warnings, ...account.warnings],
      }
    },
    now: (namespace) => {
      const page = sync(namespace)
      return page === undefined ? undefined : knownOf(page)
    },
  }
}

type Keyed = readonly [key: string, entry: Entry]

/** What one namespace declares, and what is known of it. */
type Page = {
  readonly entries: readonly Keyed[]
  readonly gathered: Gathered
  readonly documents: readonly PluginDocument[]
  /** What Velero's pods have. */
  readonly credentials: readonly PodCredentials[]
}

/** Whether these are the very same documents: what is read anew is a new one. */
const isSame = (former: Page['documents'] | undefined, now: Page['documents']): former is Page['documents'] =>
  former !== undefined && former.length === now.length && former.every((one, index) => one === now[index])

const isUnsure = (entry: Entry, now: number): boolean =>
  !entry.isSeen || (standingOf(entry.findings()) !== 'Ready' && now - entry.lookedAt > freshMs)

function knownOf({ entries, gathered, documents }: Page): Known {
  const tooMany = gathered.plugins.length - mostPlugins
  const faults = Map.groupBy(gathered.problems, ({ document }) => documents[document]?.label ?? '')
  const sentences = new Map([...faults].map(([label, problems]) => [label, problems.map(sentenceOf)]))
  return {
    findings: entries.map(([, entry]) => entry.findings()),
    faults: sentences,
    problems: [
      ...[...sentences].flatMap(([label, problems]) => problems.map((problem) => `${label}: ${problem}`)),
      ...(tooMany > 0
        ? [`at most ${mostPlugins} plugins are looked at, and ${tooMany} more are declared`]
        : []),
    ],
    warnings: gathered.warnings,
  }
}
