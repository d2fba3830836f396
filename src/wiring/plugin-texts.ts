/** One ConfigMap that may declare plugins: its texts are read apart, one reading at a time, the newest last. */
import type { Clock } from '../clock.ts'
import { throughProxy } from '../core/plugin/proxy.ts'
import { readDocument, type PluginDocument } from '../core/plugin/sources.ts'
import { objectAt } from '../core/velero.ts'
import type { KubeClient } from '../kube/client.ts'
import { createReflector } from '../kube/reflector.ts'
import type { Reflector } from '../kube/reflector-options.ts'
import { collectionPath } from '../kube/resource.ts'
import type { Log } from '../log.ts'
import { documentsApart } from '../plugins/texts-apart.ts'
import type { TextsIn } from '../plugins/texts.ts'
import { unlessAborted } from '../until.ts'

/** A ConfigMap that is followed. */
export type Texts = {
  readonly copy: Reflector<TextsIn>
  /** What it declares, none if it is not there; undefined: not read yet. */
  readonly documents: () => readonly PluginDocument[] | undefined
  /** Reads what changed, until the signal aborts. */
  readonly start: (signal: AbortSignal) => Promise<void>
}

/** Which one. */
export type TextsWorld = {
  readonly client: KubeClient
  readonly clock: Clock
  readonly log: Log
  readonly namespace: string
  readonly name: string
  /** What stands for Embedded Cluster's proxy in images. */
  readonly proxyDomain: string | undefined
  readonly onChange: () => void
}

/** Follows one ConfigMap; nothing is asked before it is started. */
export function createTexts(world: TextsWorld): Texts {
  const { client, clock, log, namespace, name, proxyDomain, onChange } = world
  let documents: readonly PluginDocument[] | undefined
  let changed = Promise.withResolvers<void>()
  const copy = createReflector<TextsIn>({
    client,
    clock,
    log,
    path: collectionPath({ group: '', version: 'v1', plural: 'configmaps', namespace }),
    fieldSelector: `metadata.name=${name}`,
    project: textsOf,
    onChange: () => changed.resolve(),
  })
  const reading = async (signal: AbortSignal) => {
    await copy.whenSynced(signal)
    for (;;) {
      changed = Promise.withResolvers()
      const texts = copy.get(namespace, name)
      const read = texts === undefined ? [] : await documentsApart(texts, { clock, signal })
      documents = read.map((document) => throughProxy(document, proxyDomain))
      onChange()
      await unlessAborted(signal, changed.promise)
    }
  }
  const untilAborted = async (signal: AbortSignal) => {
    try {
      await reading(signal)
    } catch (error) {
      if (!signal.aborted) log.error({ err: error, namespace, name }, 'a ConfigMap is followed no more')
    }
  }
  return {
    copy,
    documents: () => documents,
    start: async (signal) => void (await Promise.all([copy.start(signal), untilAborted(signal)])),
  }
}

/** The texts of a ConfigMap that may declare plugins. */
export const textsOf = (raw: unknown): TextsIn | undefined => {
  // In a list of a built-in kind the items do not say what they are.
  const read = readDocument({ ...objectAt(raw), apiVersion: 'v1', kind: 'ConfigMap' })
  return read.kind === 'texts' ? read : undefined
}
