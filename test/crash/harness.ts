/** The whole of it: cluster, effects, replicas, and the lanes in which one object after another meets its faults. */
import { rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../../src/clock.ts'
import type { Cluster } from '../../src/sandbox/start.ts'
import { pathOf, type Call, type Loose } from '../support/asking.ts'
import type { Balancer } from './balancer.ts'
import { Case } from './case.ts'
import { Cases, type Written } from './cases.ts'
import { objectOf, type Lane } from './cluster.ts'
import type { ActionCall, Effects } from './effects.ts'
import type { Armed } from './coverage.ts'
import type { Triple } from './faults.ts'
import type { Happening } from './history.ts'
import { inject } from './inject.ts'
import { judge } from './judge.ts'
import { Lag } from './lag.ts'
import { Kills, Patience } from './patience.ts'
import { relay, type PassingCall, type Reply } from './proxy.ts'
import type { ServiceProcess, ServiceWorld } from './service-process.ts'
import { Services } from './services.ts'
import { actionSite, admissionSite, siteOf } from './sites.ts'
import { actorUser, following, laneOfTarget, resets, sorts, targetName } from './targets.ts'

/** What a harness is made of. */
export type HarnessOptions = {
  readonly lanes: readonly Lane[]
  /** How many times as fast as on the wall time passes. */
  readonly speed: number
  readonly replicas: number
  /** Where the processes log; unless told, it goes when the harness stops. */
  readonly log?: string
  /** Told of every call that an object made, in which phase. */
  readonly onSite: (seen: SeenSite) => void
}

/** A call: of which lane (undefined: of the process), where, in which phase, and after which faults of its object. */
export type SeenSite = {
  readonly lane: Lane | undefined
  readonly site: string
  readonly phase: string
  readonly after: readonly Triple[]
}

/** How one object fared. */
export type Played = {
  readonly name: string
  readonly wrongs: readonly string[]
  readonly story: readonly Happening[]
  readonly fired: readonly Triple[]
  /** Others' faults kept it from coming to be: it says nothing. */
  readonly isVoid: boolean
  /** False: the machine was so busy that it says nothing. */
  readonly isJudged: boolean
}

const parkMs = 400
// So long an application takes until it is as it was told to be.
const followMs = 500
// A lead is lost where it is not renewed for 10 s.
const bearableMs = 1_500
// What a lost lead leaves behind takes a leader as long as what a dead one does.
const calmMs = 45_000
const leadMs = 200
const longestWaitMs = 20_000
// After the end nothing more may come; and what is missing then has this long.
const quietMs = 4_000
const missingMs = 150_000

/** A running harness. */
export class Harness {
  readonly services: Services
  readonly cases: Cases
  readonly #parts: Parts
  #armedForAny: { readonly triple: Triple; readonly of: Case }[] = []
  readonly #lag = new Lag()
  readonly #kills = new Kills()
  #lead = { holder: '', since: '' }
  #lostLeadAt = Number.NEGATIVE_INFINITY
  readonly #watching = setInterval(() => this.#watchLead(), leadMs)
  /** When each object that has not come to its end began. */
  readonly #begun = new Map<Case, number>()
  readonly #deleted = new WeakSet<Case>()
  /** Set when something goes wrong that belongs to no object that is still looked at. */
  readonly late: string[] = []

  constructor(parts: Parts, world: Omit<ServiceWorld, 'onCall'>) {
    this.#parts = parts
    this.cases = new Cases(parts.cluster.api)
    this.services = new Services(
      { ...world, onCall: (service, call) => this.#onCall(service, call) },
      { replicas: parts.options.replicas, parkMs },
    )
    parts.cluster.api.onRequest(({ method, code, user, info }) => {
      if (method === 'GET' || code >= 300) return
      this.cases.wrote(info)
      if (info.namespace === 'shop' && laneOfTarget(info.name) !== '') this.#acted(info, user)
    })
  }

  /** Arms the faults of an object. It may be long before it is played: a first start meets faults before there is an object. */
  prepare(name: string, lane: Lane, plan: Armed): Case {
    const { api } = this.#parts.cluster
    const one = new Case(name, lane, { ...plan, api, keys: () => this.cases.outputsKeys() })
    this.cases.add(one)
    this.#armProcesses(one)
    return one
  }

  /** Plays one object through, and judges it. */
  async play(name: string, lane: Lane, plan: Armed): Promise<Played> {
    for (const [path, patch] of resets(lane.name)) await this.#merge(path, patch)
    return this.playPrepared(this.prepare(name, lane, plan))
  }

  /** Plays one that was prepared. */
  async playPrepared(one: Case): Promise<Played> {
    const { call } = this.#parts
    const { name, lane } = one
    await this.services.whenReady()
    this.#begun.set(one, this.#parts.clock.now())
    const { status, body } = await call(
      'POST',
      pathOf(lane.scenario.kind === 'Restore' ? 'restores' : 'backups'),
      {
        body: objectOf(name, lane),
      },
    ).catch((error: unknown) => ({ status: 0, body: { message: String(error) } }))
    one.note()
    one.story.push({ is: 'answered', code: status, message: status < 300 ? '' : String(body?.message) })
    const isJudged = await this.#end(one)
    this.#begun.delete(one)
    one.isOver = true
    this.#armedForAny = this.#armedForAny.filter(({ of }) => of !== one)
    const wrongs = isJudged ? [...judge(lane.scenario, one.story), ...(await this.#miscounted(one))] : []
    void this.#clear(one)
    const isVoid =
      one.fired.length === 0 && status >= 500 && /failed calling webhook/.test(String(body?.message))
    return { name, wrongs, story: one.story, fired: one.fired, isVoid, isJudged }
  }

  /** Whether a process may be killed now. Those that are to be killed come at the same time instead. */
  mayKill(): boolean {
    const ready = this.services.ready()
    const leads = ready.some((service) => this.#phaseOf(service) === 'leading')
    const begun = [...this.#begun.values()]
    return this.#kills.may({
      now: this.#parts.clock.now(),
      isWhole: leads && ready.length >= this.#parts.options.replicas,
      oldestSince: begun.length === 0 ? undefined : Math.min(...begun),
    })
  }

  /**
   * Resolves when an object more can be borne: time passes faster here, and where all wait for the processor leases run out. Not at
   * all on a machine that others keep busy: then after some seconds.
   */
  async whenBearable(): Promise<void> {
    for (let left = longestWaitMs; left > 0 && !this.#isBearable(); left -= 100) await sleep(100)
  }

  #isBearable(): boolean {
    const isCalm = this.#parts.clock.now() - this.#lostLeadAt > calmMs
    return isCalm && this.#lag.worst() * this.#parts.options.speed <= bearableMs
  }

  /** A process that lives and leads no more had no time to renew its Lease. */
  #watchLead(): void {
    const [before, now] = [this.#lead, this.cases.lead()]
    this.#lead = now
    const isAnother = before.holder !== now.holder || before.since !== now.since
    if (isAnother && this.services.named(before.holder) !== undefined)
      this.#lostLeadAt = this.#parts.clock.now()
  }

  async stop(): Promise<void> {
    this.#lag.stop()
    clearInterval(this.#watching)
    await this.services.stop()
    const { balancer, effects, cluster, folder, teardowns } = this.#parts
    await balancer.stop()
    await effects.stop()
    for (const teardown of teardowns) await teardown()
    await cluster.stop()
    rmSync(folder, { recursive: true, force: true })
  }

  #merge = (path: string, body: Loose) =>
    this.#parts.call('PATCH', path, { body, type: 'application/merge-patch+json' })

  /** The object of a lane was written: what an action changed there, the application follows, and a person may change again. */
  #acted({ resource, name }: Pick<Written, 'resource' | 'name'>, user: string): void {
    const one = this.cases.ofTarget(name)
    if (one?.isOver !== false) {
      if (user === actorUser) this.late.push(`${name} was written as its account after the end`)
      return
    }
    const { roles, changedAt } = one.lane.scenario
    for (const changed of one.noteTarget(resource, user)) {
      if (roles.some(({ on }) => on === 'wait')) void this.#follow(one)
      const on = roles.find(({ role }) => role === changedAt && role === changed)?.on
      if (on === undefined || this.#deleted.has(one)) continue
      this.#deleted.add(one)
      const { path, patchTo, byPerson } = sorts[on]
      void this.#merge(`${path}/${targetName(one.lane.name)}`, patchTo(byPerson)).catch(() => undefined)
    }
  }

  async #follow({ lane }: Case): Promise<void> {
    await this.#parts.clock.sleep(followMs)
    await this.#merge(...following(lane.name)).catch(() => undefined)
  }

  /** Calls that are about no object meet their fault whichever process makes them; those of a start need a start. */
  #armProcesses(one: Case): void {
    const ofProcess = one.awaited().filter(({ phase }) => processPhases.includes(phase))
    this.#armedForAny.push(...ofProcess.map((triple) => ({ triple, of: one })))
    if (ofProcess.some(({ phase }) => phase === 'starting')) this.restartStandby()
  }

  /** Kills one that does not lead, if there is one; a fresh one begins. */
  restartStandby(): void {
    const standby = this.services.ready().find((service) => this.#phaseOf(service) !== 'leading')
    if (standby !== undefined) this.services.killSoon(standby, false)
  }

  /** A person deletes it. */
  async #deletedOnce(one: Case): Promise<void> {
    if (this.#deleted.has(one)) return
    this.#deleted.add(one)
    await this.#parts.call('DELETE', pathOf('backups', one.name)).catch(() => undefined)
  }

  /** Waits until nothing is left to come; false where the machine was too busy for anybody to say. */
  async #end(one: Case): Promise<boolean> {
    const { clock } = this.#parts
    const began = Date.now()
    const patience = new Patience(clock.now())
    let since: number | undefined
    for (;;) {
      await sleep(25)
      const now = clock.now()
      const why = one.waitsFor()
      since = why === undefined ? (since ?? now) : undefined
      const isQuiet = since !== undefined && now - since > quietMs
      if (isQuiet && (judge(one.lane.scenario, one.story).length === 0 || now - (since ?? now) > missingMs))
        return true
      const hinderedAt = Math.max(this.services.leaderKilledAt, one.keyMovedAt)
      const looked = { now, wallMs: Date.now() - began, hinderedAt, isBearable: this.#isBearable() }
      const patient = patience.look(looked)
      if (patient === 'waits') continue
      if (patient === 'busy') return false
      if (why !== undefined) one.story.push({ is: 'hangs', why })
      return true
    }
  }

  /** The counts of the other side are those of the story. */
  async #miscounted(one: Case): Promise<readonly string[]> {
    if (one.uid === '') return []
    const counts = Object.values(await this.#parts.effects.counts(one.uid)).reduce(
      (sum, count) => sum + count,
      0,
    )
    // What is changed in the cluster the other side does not hear.
    const known = one.story.filter((happened) => happened.is === 'effect' && happened.to === undefined).length
    return counts === known ? [] : [`the other side counted ${counts} effects, the harness ${known}`]
  }

  /** Takes object and records away, a while after nothing more may come. */
  async #clear(one: Case): Promise<void> {
    const { call, cluster, clock, effects } = this.#parts
    const plural = one.lane.scenario.kind === 'Restore' ? 'restores' : 'backups'
    await call('DELETE', pathOf(plural, one.name)).catch(() => undefined)
    await clock.sleep(30_000)
    for (const run of one.runs.values())
      await call('DELETE', pathOf('actionruns', run)).catch(() => undefined)
    cluster.velero.store.removeFolder(`backups/${one.name}`)
    this.cases.remove(one)
    if (one.uid !== '') await effects.forget(one.uid).catch(() => undefined)
  }

  #phaseOf(service: ServiceProcess): string {
    if (!service.isReady()) return 'starting'
    return this.cases.lead().holder.startsWith(`${service.name}-`) ? 'leading' : 'standing by'
  }

  #onCall(service: ServiceProcess, call: PassingCall): Promise<void> | undefined {
    const { site, about } = siteOf(call.wire)
    if (site.startsWith('create actionruns')) this.cases.runBorn(call.wire.body)
    if (site.endsWith(' leases leader')) this.cases.hearLease(call.wire)
    if (site === 'create secrets') this.cases.hearSecret(call.wire)
    const one = about === undefined ? undefined : this.cases.about(about)
    const phase = one === undefined ? this.#phaseOf(service) : one.phase()
    return this.#meet({ one, site, phase }, call, service)
  }

  /** The API server asks a process. */
  onAdmission = (port: number, call: PassingCall): Promise<void> | undefined => {
    const service = this.services.at(port)
    if (service === undefined) return undefined
    const { site, about } = admissionSite(call.wire)
    const one = about === undefined ? undefined : this.cases.about(about)
    const phase = one === undefined ? this.#phaseOf(service) : one.phase()
    return this.#meet({ one, site, phase }, call, service)
  }

  /** A call of an action. */
  onAction = async ({ lane, role, undo, key, uid, stage, call }: ActionCall): Promise<void> => {
    const one = this.cases.byUid(uid)
    const site = actionSite(role, undo)
    if (key !== `${uid}/${stage}/${role}-${lane}${undo ? '/undo' : ''}`)
      this.late.push(`${lane}: ${site} came under the key ${key}`)
    if (one === undefined) this.late.push(`${lane}: ${site} for ${uid}, which nobody knows (any more)`)
    let passed = 0
    const pass = () => {
      // As it is sent: who gives it up now, and says so in its record, may be heard by the other side a moment later.
      if (one?.isOver === true) this.late.push(`${one.name}: ${site} after its end`)
      one?.story.push({ is: 'effect', stage, role, undo, copy: (passed += 1) > 1 })
      if (one !== undefined) this.cases.actedFor(one, { role, undo })
      if (one !== undefined && !undo && role === one.lane.scenario.deletedAt) void this.#deletedOnce(one)
      return call.pass()
    }
    const answer = (reply: Reply) => {
      const { lsn } = JSON.parse(reply.body.toString())
      const { status } = reply
      one?.story.push({ is: 'replied', role, undo, status, ...(lsn === undefined ? {} : { lsn }) })
      call.answer(reply)
    }
    const counted = { ...call, pass, answer }
    const service =
      one === undefined
        ? undefined
        : this.services.named(one.run(stage.startsWith('Pre') ? 'Pre' : 'Post')?.status?.owner ?? '')
    const met =
      one === undefined || service === undefined
        ? undefined
        : this.#meet({ one, site, phase: one.phase() }, counted, service)
    await (met ?? relay(counted))
  }

  #meet(
    { one, site, phase }: { readonly one: Case | undefined; readonly site: string; readonly phase: string },
    call: PassingCall,
    service: ServiceProcess,
  ): Promise<void> | undefined {
    if (one?.isOver !== true)
      this.#parts.options.onSite({ lane: one?.lane, site, phase, after: [...(one?.fired ?? [])] })
    const at = (triple: Triple) => triple.site === site && triple.phase === phase
    const of = one ?? this.#armedForAny.find(({ triple }) => at(triple))?.of
    const triple = of?.meet(site, phase)
    if (triple === undefined) return undefined
    this.#armedForAny = this.#armedForAny.filter((armed) => armed.of.awaited().includes(armed.triple))
    if (one === undefined)
      for (const other of this.#begun.keys())
        if (other !== of) other.story.push({ is: 'disturbed', site, fault: triple.fault })
    const { clock } = this.#parts
    const killSoon = (dying: ServiceProcess) => {
      const isLeader = this.#phaseOf(dying) === 'leading'
      if (isLeader) this.#kills.killedLeader(clock.now())
      this.services.killSoon(dying, isLeader)
    }
    return inject(triple.fault, call, { clock, service, killSoon })
  }
}

const processPhases = ['starting', 'standing by', 'leading']

/** What a harness stands on. */
export type Parts = {
  readonly options: HarnessOptions
  readonly clock: Clock
  readonly cluster: Cluster
  readonly call: Call
  readonly balancer: Balancer
  readonly effects: Effects
  readonly folder: string
  readonly teardowns: readonly (() => unknown)[]
}
