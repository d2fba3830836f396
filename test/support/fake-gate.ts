/** The gate's world in memory, and requests to put to it. */
import type { GatePorts } from '../../src/admission/gate-ports.ts'
import { cooldownKeysOf } from '../../src/core/cooldown.ts'
import type { KeptExported } from '../../src/core/exported/use.ts'
import type { Performing } from '../../src/core/run/performing.ts'
import type { Action } from '../../src/api/action.ts'
import { createCel } from '../../src/cel/cel.ts'
import type { AdmissionRequest } from '../../src/core/admission-request.ts'
import type { Outcome } from '../../src/core/outcome.ts'
import { clusterUid, type VeleroObject } from './build.ts'
import { FakeClock } from './fake-clock.ts'
import { FakeLog } from './fake-log.ts'
import { FakeProcess } from './fake-process.ts'
import { FakeRuns } from './fake-runs.ts'
import { aDone } from './outcomes.ts'

const cel = createCel()

/** Velero's own account in namespace velero. */
export const veleroUser = 'system:serviceaccount:velero:velero'

/** A CREATE of this object, with 30 s to answer. */
export function aRequest(
  object: VeleroObject,
  clock: FakeClock,
  given: Partial<AdmissionRequest> & { readonly username?: string } = {},
): AdmissionRequest {
  const { username = 'ann', ...rest } = given
  const resource = `${object.kind.toLowerCase()}s`
  return {
    uid: 'request-1',
    kind: { group: 'velero.io', version: 'v1', kind: object.kind },
    resource: { group: 'velero.io', version: 'v1', resource },
    operation: 'CREATE',
    name: object.metadata.name,
    namespace: object.metadata.namespace,
    user: { username, groups: [], extra: {} },
    object,
    oldObject: null,
    dryRun: false,
    timeoutMs: 30_000,
    receivedAt: clock.now(),
    signal: () => new AbortController().signal,
    ...rest,
  }
}

/** Stores, and what was done to the outside. */
export class FakeGate {
  readonly clock: FakeClock
  readonly log = new FakeLog()
  readonly runs: FakeRuns
  readonly performed: string[] = []
  readonly claims = new Map<string, string>()
  readonly taken = new Set<string>()
  readonly counted: string[] = []
  actions: readonly Action[] | { readonly unknown: string } = []
  guardClosed = true
  unadopted: readonly string[] = []
  /** Names of Actions that cannot be understood, and that nobody adopted. */
  unread: readonly string[] = []
  skippers: readonly string[] = []
  schedules: Readonly<Record<string, Readonly<Record<string, string>>>> = {}
  /** What asking for a Schedule fails with. */
  scheduleFails: Error | undefined
  schedulesOfBackups: Readonly<Record<string, string>> = {}
  act: (performing: Performing) => Outcome | Promise<Outcome> = () => aDone()
  /** What the Backup of a Restore exported, for actions that ask. */
  exported: KeptExported | undefined

  constructor(clock = new FakeClock(), runs = new FakeRuns(clock)) {
    this.clock = clock
    this.runs = runs
  }

  /** The ports of one replica of this world. */
  ports(owner = 'one', life = new FakeProcess()): GatePorts {
    const { clock, log, runs } = this
    return {
      clock,
      log,
      owner,
      cluster: clusterUid,
      holdMaxMs: 3_600_000,
      hash: (text) => `h${text.length}-${text.slice(-40).replaceAll(/[^a-z0-9]/gi, '')}`.slice(0, 64),
      exportedFor: async () => this.exported,
      evaluate: (source) => (source === 'broken' ? { error: 'no such key' } : { ok: source === 'true' }),
      namesVariable: cel.names,
      runs: {
        read: (...at) => life.call('runs.read', () => runs.read(...at)),
        create: (run) => life.call('runs.create', () => runs.create(run)),
        write: (run, status) => life.call('runs.write', () => runs.write(run, status)),
        recent: async (namespace, key) =>
          runs.known(namespace).filter((run) => cooldownKeysOf(run).includes(key)),
      },
      actionsOf: async () =>
        'unknown' in this.actions ? this.actions : { ok: this.actions, unadopted: this.unread },
      authorOf: ({ metadata }) =>
        this.unadopted.includes(metadata.name) ? undefined : { username: 'ann', groups: ['shop'] },
      defaultsOf: async () => ({ storageLocation: 'default' }),
      scheduleOfBackup: async (_namespace, backup) => this.schedulesOfBackups[backup] ?? '',
      annotationsOfSchedule: async (_namespace, schedule) => {
        if (this.scheduleFails !== undefined) throw this.scheduleFails
        return this.schedules[schedule] ?? {}
      },
      isVelero: ({ username }) => username === veleroUser,
      maySkip: async ({ username }) => this.skippers.includes(username),
      guardClosed: async () => this.guardClosed,
      exists: async ({ name }) => this.taken.has(name),
      claimName: (subject, uid) => life.call('claimName', () => this.#claim(subject.name, uid)),
      releaseName: (subject, uid) =>
        life.call(
          'releaseName',
          () => void (this.claims.get(subject.name) === uid && this.claims.delete(subject.name)),
        ),
      perform: (performing) => life.call('perform', () => this.#perform(performing)),
      count: (run) => void this.counted.push(`${run.spec.stage} ${run.status.phase}`),
    }
  }

  #claim(name: string, uid: string) {
    const holder = this.claims.get(name)
    if (holder !== undefined && holder !== uid) return { heldBy: holder }
    this.claims.set(name, uid)
    return { ok: true } as const
  }

  async #perform(performing: Performing): Promise<Outcome> {
    const { run, action, renderOnly } = performing
    if (!renderOnly) {
      const stored = await this.runs.read(run.metadata.namespace, run.metadata.name)
      const row = stored?.status.actions?.find(({ name }) => name === action.name)
      if (row?.phase !== 'Running') throw new Error(`${action.name} is performed without a claim on record`)
    }
    this.performed.push(renderOnly ? `${action.name} rendered` : action.name)
    return this.act(performing)
  }
}
