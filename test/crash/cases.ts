/** The objects that are under way, found by whatever names them. */
import type { ApiServer } from '../../src/sandbox/apiserver/server.ts'
import type { Loose } from '../support/asking.ts'
import type { Shown } from './admission.ts'
import type { Case } from './case.ts'
import { laneOfAction } from './cluster.ts'
import { laneOfTarget } from './targets.ts'
import type { Site, Wire } from './sites.ts'

/** What a write was about, as the API server understood it. */
export type Written = {
  readonly verb: string
  readonly resource: string
  readonly name: string
  readonly subresource: string
}

/** All of them; one that is over is known until it was cleared away. */
export class Cases {
  readonly #api: Pick<ApiServer, 'read'>
  readonly #byName = new Map<string, Case>()
  readonly #byLane = new Map<string, Case>()
  readonly #byRun = new Map<string, Case>()
  readonly #byUid = new Map<string, Case>()
  readonly #byLease = new Map<string, Case>()

  constructor(api: Pick<ApiServer, 'read'>) {
    this.#api = api
  }

  add(one: Case): void {
    this.#byName.set(one.name, one)
    this.#byLane.set(one.lane.name, one)
    for (const lease of one.leases()) this.#byLease.set(lease, one)
  }

  remove(one: Case): void {
    this.#byName.delete(one.name)
    this.#byUid.delete(one.uid)
    for (const run of one.runs.values()) this.#byRun.delete(run)
    for (const lease of one.leases()) if (this.#byLease.get(lease) === one) this.#byLease.delete(lease)
  }

  /** Whose action acts on an object of this name. */
  ofTarget(name: string): Case | undefined {
    return this.#byLane.get(laneOfTarget(name))
  }

  byUid(uid: string): Case | undefined {
    return this.#byUid.get(uid)
  }

  about({ by, name }: NonNullable<Site['about']>): Case | undefined {
    switch (by) {
      case 'object':
        return this.#byName.get(name)
      case 'run':
        return this.#byRun.get(name)
      case 'holder':
        return this.#byUid.get(name)
      case 'lease':
        // Of those that want it, that of whoever has it; else of who came last.
        return this.#byUid.get(this.#holderOf(name)) ?? this.#byLease.get(name)
      case 'action':
        return this.#byLane.get(laneOfAction(name))
      case 'target':
        return this.ofTarget(name)
    }
  }

  /** A run is about to be created: which object it is for, and the uid of one that is not stored yet. */
  runBorn(run: Loose): void {
    const { objectRef, stage } = run.spec
    const one = this.#byName.get(objectRef.name)
    if (one === undefined) return
    one.uid = objectRef.uid
    one.runs.set(stage, run.metadata.name)
    this.#byUid.set(one.uid, one)
    this.#byRun.set(run.metadata.name, one)
  }

  /** Something was written: whatever is news of it goes into a story. */
  wrote({ verb, resource, name }: Written): void {
    if (resource === 'leases' && ['create', 'delete'].includes(verb)) {
      for (const one of this.#byName.values()) if (!one.isOver) one.noteKeys()
    }
    if (resource === 'backups' || resource === 'restores') {
      // A name that is not told is that of a creation.
      for (const one of name === '' ? this.#byName.values() : [this.#byName.get(name)])
        if (one?.isOver === false) one.note()
    } else if (resource === 'actionruns') {
      for (const one of name === '' ? this.#byName.values() : [this.#byRun.get(name)])
        if (one?.isOver === false) one.noteRuns(name)
    }
  }

  /** Something was done for an object: those that want an exclusive key of it must be at rest. */
  actedFor(one: Case, { role, undo }: { readonly role: string; readonly undo: boolean }): void {
    for (const other of this.#byName.values())
      if (!other.isOver && other.isRivalOf(one)) other.story.push({ is: 'rival', by: one.name, role, undo })
  }

  #holderOf(lease: string): string {
    const found = this.#api.read('coordination.k8s.io/leases', 'velero', lease) as Loose
    return found?.spec?.holderIdentity ?? ''
  }

  /** Who leads, and since when. */
  lead(): { readonly holder: string; readonly since: string } {
    const lease =
      this.#leaderLease === undefined
        ? undefined
        : this.#api.read('coordination.k8s.io/leases', 'velero', this.#leaderLease)
    const { holderIdentity: holder = '', acquireTime: since = '' } = (lease as Loose)?.spec ?? {}
    return { holder, since }
  }
  /** The public keys that the outputs of actions may be signed with. */
  outputsKeys(): readonly string[] {
    return this.#kept('outputs.pub')
      .split('\n')
      .filter((line) => line !== '')
  }

  /** What the webhooks show to the API server; undefined while it is not made. */
  shown(): Shown | undefined {
    const [key, cert, ca] = [this.#kept('tls.key'), this.#kept('tls.crt'), this.#kept('ca.crt')]
    return key === '' ? undefined : { key, cert, ca }
  }

  /** What stands in the Secret of the service. */
  #kept(key: string): string {
    const secret = this.#api.read('/secrets', 'velero', this.#secret) as Loose
    return Buffer.from(secret?.data?.[key] ?? '', 'base64').toString()
  }
  #secret = ''
  /** Its Secret, as it is made. */
  hearSecret({ body }: Wire): void {
    this.#secret = body?.metadata?.name ?? this.#secret
  }

  #leaderLease: string | undefined
  /** Its Lease, as it is asked for. */
  hearLease({ url, body }: Wire): void {
    this.#leaderLease = body?.metadata?.name ?? /[^/?]+(?=\?|$)/.exec(url)?.[0]
  }
}
