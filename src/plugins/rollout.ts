/** Restarts Velero once it has nothing in hand, so that it takes the plugins that wait for its next rollout. */
import { conditionIn } from '../core/condition.ts'
import { conditionStatus, isUnseen, unseenAdvice } from '../core/plugin/aboard.ts'
import { changeText, changesBetween, restartPatch, type Changes } from '../core/plugin/restart.ts'
import { isServing } from '../core/plugin/pods.ts'
import { isPaused, rolloutOf } from '../core/plugin/rollout.ts'
import { workText } from '../core/plugin/work.ts'
import { spell } from '../core/refusal.ts'
import { textAt, type Json } from '../core/velero.ts'
import { StartError } from '../start-error.ts'
import type { Look, RolloutPorts, Velero } from './rollout-ports.ts'
import { watchRollout } from './rollout-watch.ts'

/** How to do it. */
export type RolloutWish = {
  /** For Backups and Restores to end, and again for the rollout. */
  readonly timeoutMs: number
  readonly dryRun: boolean
}

/** How it ended: `yes` where nothing is left to do, `no` where something was refused or failed, `?` where the cluster did not say. */
export type Ended = { readonly ended: 'yes' | 'no' | '?'; readonly message: string }

const yes = (message: string): Ended => ({ ended: 'yes', message })
const no = (message: string): Ended => ({ ended: 'no', message })
const unknown = (message: string): Ended => ({ ended: '?', message })

/** Rolls out what waits. Rejects with a StartError where the cluster cannot be asked, and with the signal's reason. */
export async function rollOut(wish: RolloutWish, ports: RolloutPorts): Promise<Ended> {
  const velero = answered(await ports.velero())
  if (isPaused(velero.deployment)) return no(paused(velero.deployment))
  // As a dry run first: what is refused (rights, a plugin that is not ready) is told before anybody waits for hours.
  const asked = await restart(velero.deployment, { dryRun: true }, ports)
  if (!('ok' in asked)) return refusedBy(asked)
  const changes = changesBetween(velero.deployment, asked.ok)
  if (!changes.isAny) return withoutChange(velero, wish, ports)
  for (const change of changes.initContainers) ports.tell(changeText(change))
  if (wish.dryRun) return yes(await wouldDo(velero, ports))
  if (!(await ports.confirmed())) return no('nothing was done: not confirmed')
  return begin(velero, wish, ports)
}

function answered<T>(look: Look<T>): T {
  if ('ok' in look) return look.ok
  throw new StartError(3, look.unanswered)
}

const nameOf = (object: Json): string => textAt(object, 'metadata', 'name')

const paused = (deployment: Json): string =>
  `Deployment ${nameOf(deployment)} must not be paused, or nothing is rolled out: kubectl rollout resume deployment/${nameOf(deployment)}`

function restart(deployment: Json, how: { readonly dryRun: boolean }, { clock, patch }: RolloutPorts) {
  // As kubectl writes it: whole seconds.
  const time = new Date(clock.now()).toISOString().replace(/\.\d+Z$/u, 'Z')
  return patch(deployment, restartPatch(deployment, time), how)
}

type NotWritten = Exclude<Awaited<ReturnType<RolloutPorts['patch']>>, { readonly ok: Json }>

function refusedBy(written: NotWritten): Ended {
  if ('refused' in written) return no(`Velero was not restarted: ${written.refused}`)
  if ('unanswered' in written)
    return unknown(`it is not known whether Velero restarts: ${written.unanswered}`)
  return no('Velero was not restarted: its Deployment is being changed by another all the time. Try again')
}

/** Nothing would change: because all is there, because it is on its way, or because the webhook is not there. */
async function withoutChange(velero: Velero, wish: RolloutWish, ports: RolloutPorts): Promise<Ended> {
  const left = velero.plugins.filter(waitsForRollout)
  if (left.length > 0)
    return no(
      `${left.map(nameOf).join(', ')} would not come aboard by a restart: the webhook did not put it into the Deployment. ` +
        'Check that tidewaiter runs with VELERO_PLUGINS_ENABLED=true, and that the namespace has no label tidewaiter.io/gate=off',
    )
  const unseen = velero.plugins.filter(isUnseen)
  if (unseen.length > 0) return no(`nothing is known of ${unseen.map(nameOf).join(', ')}: ${unseenAdvice}`)
  if (rolloutOf(velero.deployment).isDone || wish.dryRun)
    return yes('nothing waits for a rollout: Velero was not restarted')
  ports.tell('a rollout is under way already')
  return watched(velero.deployment, wish, ports)
}

/** Ready, and not carried, unless somebody else brings it. */
const waitsForRollout = (plugin: Json): boolean =>
  conditionStatus(plugin, 'Ready') === 'True' &&
  conditionStatus(plugin, 'Injected') === 'False' &&
  textAt(conditionIn(plugin, 'Injected'), 'reason') !== 'BroughtByOther'

async function wouldDo(velero: Velero, ports: RolloutPorts): Promise<string> {
  const work = answered(await ports.work())
  return work.length === 0 || !mayWork(velero)
    ? 'dry run: Velero would be restarted now'
    : `dry run: Velero would be restarted once this has ended: ${workText(work)}`
}

/** Where no server runs, nothing is under way whatever the phases say, and a rollout may be what mends it. */
const mayWork = ({ pods }: Velero): boolean => pods === undefined || isServing(pods)

const lookEveryMs = 5_000
const mostTries = 20

/** Waits until nothing is in hand, and restarts Velero in the same breath. */
async function begin(first: Velero, wish: RolloutWish, ports: RolloutPorts): Promise<Ended> {
  const { clock, signal, tell } = ports
  const endsAt = clock.now() + wish.timeoutMs
  let [told, tries] = ['', 0]
  for (;;) {
    const seen = await whetherIdle(ports)
    if ('idle' in seen) {
      tries += 1
      const ended = await restartIdle(first, seen.idle, { wish, ports, isLast: tries === mostTries })
      if (ended !== undefined) return ended
      continue
    }
    if (seen.because !== told) tell(seen.because)
    told = seen.because
    if (clock.now() + lookEveryMs > endsAt) {
      const message = `Velero was not restarted: after ${spell(wish.timeoutMs)} still ${seen.because}`
      return { ended: seen.ended, message }
    }
    await clock.sleep(lookEveryMs, signal)
  }
}

type Idle =
  { readonly idle: Velero } | { readonly because: string; readonly ended: Exclude<Ended['ended'], 'yes'> }

/** The Deployment is read first: what changes it after the look at the work makes the write a conflict. */
async function whetherIdle(ports: RolloutPorts): Promise<Idle> {
  const velero = await ports.velero()
  if (!('ok' in velero)) return { because: velero.unanswered, ended: '?' }
  const work = await ports.work()
  if (!('ok' in work)) return { because: work.unanswered, ended: '?' }
  if (work.ok.length === 0 || !mayWork(velero.ok)) return { idle: velero.ok }
  return { because: `waiting for ${workText(work.ok)}`, ended: 'no' }
}

type Course = { readonly wish: RolloutWish; readonly ports: RolloutPorts }

/** Undefined: it was not written, and may be next time. */
async function restartIdle(
  first: Velero,
  now: Velero,
  { isLast, ...course }: Course & { readonly isLast: boolean },
): Promise<Ended | undefined> {
  if (changesBetween(first.deployment, now.deployment).isAny)
    return no(
      'Velero was not restarted: its pod template was changed by another meanwhile, which rolls it out. Run this again to see what is left',
    )
  const written = await restart(now.deployment, { dryRun: false }, course.ports)
  if ('ok' in written) return restarted(first, written.ok, course)
  return 'conflict' in written && !isLast ? undefined : refusedBy(written)
}

function restarted(before: Velero, after: Json, { wish, ports }: Course): Promise<Ended> {
  ports.tell(`Velero restarts ${withWhat(changesBetween(before.deployment, after))}`)
  return watched(after, wish, ports)
}

function withWhat({ initContainers }: Changes): string {
  const names = initContainers.flatMap(({ name, to }) => (to === undefined ? [] : [name]))
  const gone = initContainers.flatMap(({ name, to }) => (to === undefined ? [name] : []))
  const parts = [
    ...(names.length === 0 ? [] : [`with ${names.join(', ')}`]),
    ...(gone.length === 0 ? [] : [`without ${gone.join(', ')}`]),
  ]
  return parts.length === 0 ? 'with its changed pod template' : parts.join(' and ')
}

async function watched(deployment: Json, { timeoutMs }: RolloutWish, ports: RolloutPorts): Promise<Ended> {
  const found = await watchRollout({ deployment, timeoutMs }, ports)
  if ('done' in found) return yes(found.done)
  return 'failed' in found ? no(found.failed) : unknown(found.unanswered)
}
