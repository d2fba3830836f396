/** Sentences for system tests: an Action, a Backup, what became of it. */
import { eventually, pathOf, type Loose } from './asking.ts'
import type { System } from './cluster.ts'

/** An Action for every Backup, as kubectl applies it. */
export const action = (name: string, spec: Loose): Loose => ({
  apiVersion: 'tidewaiter.io/v1beta1',
  kind: 'Action',
  metadata: { name, namespace: 'velero' },
  spec: { stage: 'PreBackup', ...spec },
})
/** A Backup of the namespace shop. */
export const backup = (name: string, more: Loose = {}): Loose => ({
  apiVersion: 'velero.io/v1',
  kind: 'Backup',
  metadata: { name, namespace: 'velero', ...more.metadata },
  spec: { includedNamespaces: ['shop'], ...more.spec },
  ...(more.status === undefined ? {} : { status: more.status }),
})

/** Applies Actions that call the hook server at a path of their name, and waits until they are known. */
export async function act(system: System, ...actions: readonly Loose[]): Promise<void> {
  for (const one of actions) {
    const body = { ...one, spec: { http: { url: `${system.hooks.url}/${one.metadata.name}` }, ...one.spec } }
    const { status, body: said } = await system.call('POST', pathOf('actions'), { body })
    if (status !== 201) throw new Error(`${status} ${said.message}`)
  }
  for (const one of actions) await accepted(system, one.metadata.name)
}
/** Waits until the controller has seen an Action as it is now. */
export const accepted = (system: System, name: string): Promise<Loose> =>
  eventually(`Action ${name} is accepted`, () => {
    const { metadata, status } = system.api.read('tidewaiter.io/actions', 'velero', name) as Loose
    const found = status?.conditions?.find(({ type }: Loose) => type === 'Accepted')
    return found?.observedGeneration === metadata.generation ? found : undefined
  })
/** Creates a Backup. */
export const create = (system: System, object: Loose, as = 'admin') =>
  system.call('POST', pathOf('backups'), { body: object, as })
/** The ActionRuns, of one stage if told. */
export const runs = async (system: System, stage?: string): Promise<readonly Loose[]> =>
  (await system.call('GET', pathOf('actionruns'))).body.items.filter(
    ({ spec }: Loose) => stage === undefined || spec.stage === stage,
  )
/** Waits until the run of a stage for a Backup has settled. */
export const settledRun = (system: System, name: string, stage: string): Promise<Loose> =>
  eventually(`the ${stage} run of ${name} has settled`, async () =>
    (await runs(system, stage)).find(
      ({ spec, status }) => spec.objectRef.name === name && status?.completionTimestamp !== undefined,
    ),
  )
/** Waits until a Backup has this phase. */
export const ended = (system: System, name: string, phase = 'Completed'): Promise<Loose> =>
  eventually(`Backup ${name} is ${phase}`, () => {
    const found = system.api.read('velero.io/backups', 'velero', name) as Loose
    return found?.status?.phase === phase ? found : undefined
  })
