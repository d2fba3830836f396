/** One plugin in the book: what is known of it, and when it is to be looked at again. */
import { carriedPin } from '../core/plugin/carried.ts'
import type { DeclaredPlugin } from '../core/plugin/declared.ts'
import type { PodTemplate } from '../core/plugin/deployment.ts'
import { standingOf, type PluginFindings } from '../core/plugin/findings.ts'
import { withLastKnown } from '../core/plugin/last-known.ts'
import { inOrder } from '../core/plugin-check/result.ts'
import type { Stored } from './book-ports.ts'

/** What was known of a plugin before this process looked at it. */
export type Before = { readonly stored: Stored | undefined; readonly templates: readonly PodTemplate[] }

/** How a plugin is called in the book: by its namespace, by what declares it, and by its name there. */
export const keyOf = (namespace: string, { declaredIn, name }: DeclaredPlugin): string =>
  `${namespace}/${declaredIn}/${name}`

const repeatMs = 300_000
const soonMs = 15_000
const none = inOrder([])

/** One plugin with one image. Another image is another entry. */
export class Entry {
  #plugin: DeclaredPlugin
  #known: Pick<PluginFindings, 'results' | 'digest'>
  #pin: string | undefined
  #lookedAt = Number.NEGATIVE_INFINITY
  #failures = 0
  #renewals = 0
  #isSeen = false
  #next: PromiseWithResolvers<void> | undefined

  constructor(plugin: DeclaredPlugin, { stored, templates }: Before, former: Entry | undefined) {
    this.#plugin = plugin
    this.#pin = plugin.reference.digest ?? stored?.digest ?? former?.pinOf(plugin)
    const digest = this.#pin ?? carriedPin(templates, plugin)
    // A status without a digest speaks of an image that was never right, and of none that is carried.
    const isStored = stored !== undefined && (stored.digest ?? plugin.reference.digest) === digest
    this.#known = { results: isStored ? stored.results : none, digest }
  }

  get plugin(): DeclaredPlugin {
    return this.#plugin
  }

  /** When it was last looked at by this process. */
  get lookedAt(): number {
    return this.#lookedAt
  }

  /** What its tag is pinned to: what was found right once, or is injected already. */
  pin(templates: readonly PodTemplate[]): string | undefined {
    return this.#pin ?? carriedPin(templates, this.#plugin)
  }

  /** What was pinned here, if it is the same image that is declared otherwise now. */
  pinOf({ image }: DeclaredPlugin): string | undefined {
    return image === this.#plugin.image ? this.#pin : undefined
  }

  /** Whether what is known of it is known of this plugin: the same image, got in the same way. */
  isFor({ image, imagePullSecret }: DeclaredPlugin): boolean {
    return image === this.#plugin.image && imagePullSecret === this.#plugin.imagePullSecret
  }

  /** Takes over what is declared otherwise (how it is enforced), and the digest that the leader settled on for all replicas. */
  renew(plugin: DeclaredPlugin, { stored }: Before): void {
    this.#plugin = plugin
    const digest = stored?.digest
    if (stored === undefined || digest === undefined || digest === this.#pin) return
    if (plugin.reference.digest !== undefined) return
    this.#pin = digest
    if (digest === this.#known.digest) return
    this.#known = { results: stored.results, digest }
    this.#lookedAt = Number.NEGATIVE_INFINITY
  }

  /** What is known as of now. */
  findings(): PluginFindings {
    return { plugin: this.#plugin, ...this.#known }
  }

  /** How often the world was renewed that looks are made in. */
  get renewals(): number {
    return this.#renewals
  }

  /** Whether this process has looked at it, in the world as it is. */
  get isSeen(): boolean {
    return this.#isSeen
  }

  /** What registries are asked with, or which may be asked, has changed: what was found before may be found no more. */
  renewWorld(): void {
    this.#renewals += 1
    this.#isSeen = false
  }

  /** Takes what a look found that began after so many renewals. */
  take(found: PluginFindings, { now, renewals }: { readonly now: number; readonly renewals: number }): void {
    const { results, digest } = found
    this.#known = withLastKnown({ results, digest }, this.#known)
    this.#lookedAt = now
    // What was never right is pinned to nothing: whoever mends the image and pushes the tag again is not held to the wrong one.
    if (standingOf(found) === 'Ready') this.#pin ??= found.digest
    // What only counts as known has failed too.
    this.#failures = standingOf(found) === 'Ready' ? 0 : this.#failures + 1
    if (renewals !== this.#renewals) return
    this.#isSeen = true
    this.#next?.resolve()
    this.#next = undefined
  }

  /** Resolves after the next look that counts. */
  nextLook(): Promise<void> {
    this.#next ??= Promise.withResolvers<void>()
    return this.#next.promise
  }

  /** Every few minutes; sooner, and then less and less often, while something is wrong. `random` spreads the replicas and the plugins. */
  againInMs(random: number): number {
    const ms = this.#failures === 0 ? repeatMs : Math.min(repeatMs, soonMs * 2 ** (this.#failures - 1))
    return ms * (0.8 + 0.4 * random)
  }
}
