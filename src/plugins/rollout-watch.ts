/** Follows a rollout of Velero until it is complete and the VeleroPlugins say so, or until it is clear why not. */
import { conditionIn } from '../core/condition.ts'
import { aboardOf, conditionStatus } from '../core/plugin/aboard.ts'
import { troublesOf, troubleText } from '../core/plugin/pods.ts'
import { rolloutOf, wantedReplicas } from '../core/plugin/rollout.ts'
import { spell } from '../core/refusal.ts'
import { textAt, type Json } from '../core/velero.ts'
import type { RolloutPorts, Velero } from './rollout-ports.ts'

/** Which rollout, and how long it is followed. */
export type Following = { readonly deployment: Json; readonly timeoutMs: number }

/** How it went; `?`: the cluster did not say. */
export type Followed =
  { readonly done: string } | { readonly failed: string } | { readonly unanswered: string }

const lookEveryMs = 2_000
/** What fails may be tried again by the kubelet and go on: what lasts this long is told as the end. */
const patienceMs = 60_000
/** Velero has no readiness probe of its own: one that ends seconds after its start was complete for a moment. */
const steadyMs = 10_000

/** What one look at the cluster says. */
type Seen =
  | { readonly failed: string }
  | { readonly unanswered: string }
  | { readonly progress: string; readonly trouble: string | undefined }
  | { readonly complete: string }

/** Since when it is in trouble, when it last was, and since when all is well. */
type Course = {
  readonly troubledSince?: number
  readonly troubledAt?: number
  readonly wellSince?: number
}

/** Follows it. */
export async function watchRollout(following: Following, ports: RolloutPorts): Promise<Followed> {
  if (wantedReplicas(following.deployment) === 0)
    return { done: 'Velero is scaled to 0: it takes the plugins once it is scaled up' }
  const { clock, signal, tell } = ports
  const endsAt = clock.now() + following.timeoutMs
  let course: Course = {}
  for (let told = ''; ;) {
    const seen = await look(following, ports)
    const now = clock.now()
    course = onCourse(course, seen, now)
    const end = endOf(seen, course, now)
    if (end !== undefined) return end
    if (now + lookEveryMs > endsAt) return outOfTime(seen, following.timeoutMs)
    const line = lineOf(seen)
    if (line !== told) tell(line)
    told = line
    await clock.sleep(lookEveryMs, signal)
  }
}

async function look(following: Following, ports: RolloutPorts): Promise<Seen> {
  const velero = await ports.velero()
  return 'ok' in velero ? judged(following, velero.ok) : velero
}

function judged({ deployment: begun }: Following, { deployment, pods, plugins }: Velero): Seen {
  if (textAt(deployment, 'metadata', 'uid') !== textAt(begun, 'metadata', 'uid'))
    return { failed: 'the Deployment of Velero was deleted while it was rolled out' }
  const rollout = rolloutOf(deployment)
  const troubles = troublesOf(pods ?? [], deployment).map(troubleText)
  if (!rollout.isDone && rollout.isGivenUp)
    return { failed: `${rollout.phrase}. ${advice(troubles, deployment)}` }
  if (rollout.isDone && troubles.length === 0) return told(deployment, plugins)
  const messages = rollout.isDone ? troubles : [rollout.phrase, ...troubles]
  const trouble = troubles.length === 0 ? undefined : advice(troubles, deployment)
  return { progress: messages.join('; '), trouble }
}

function advice(troubles: readonly string[], deployment: Json): string {
  const why = troubles.length === 0 ? '' : `${troubles.join('; ')}. `
  const runs =
    textAt(deployment, 'spec', 'strategy', 'type') === 'Recreate'
      ? 'No Velero runs until it is mended'
      : 'The former Velero may run on until it is mended'
  return `${why}${runs}: mend what is said, or change or delete the VeleroPlugin, and run this again`
}

/** The rollout is complete: what the VeleroPlugins aboard say of it. One that the checks keep out does not come by waiting. */
function told(deployment: Json, plugins: readonly Json[]): Seen {
  const aboard = aboardOf(deployment, plugins)
  const isSo = (plugin: Json, type: string) => conditionStatus(plugin, type) === 'True'
  const lagging = aboard.filter((plugin) => isSo(plugin, 'Ready') && !isSo(plugin, 'RolledOut'))
  const there = aboard.filter((plugin) => isSo(plugin, 'RolledOut')).map(nameOf)
  if (lagging.length === 0)
    return {
      complete:
        there.length === 0 ? 'Velero runs as its Deployment says' : `Velero runs with ${there.join(', ')}`,
    }
  const who = lagging.map((plugin) => `VeleroPlugin ${nameOf(plugin)} (${reasonOf(plugin)})`).join(', ')
  const trouble = `Velero runs, but its rollout is not told by ${who}. Check that a replica of tidewaiter leads: its log says so`
  return { progress: `Velero runs; waiting for the status of ${who}`, trouble }
}

const nameOf = (object: Json): string => textAt(object, 'metadata', 'name')

const reasonOf = (plugin: Json): string =>
  textAt(conditionIn(plugin, 'RolledOut'), 'reason') || 'it says nothing'

function onCourse({ troubledSince, troubledAt, wellSince }: Course, seen: Seen, now: number): Course {
  if ('trouble' in seen && seen.trouble !== undefined)
    return { troubledSince: troubledSince ?? now, troubledAt: now }
  // A container that crashes runs for some seconds between its crashes: that is no end of the trouble.
  const isOver = troubledAt === undefined || now - troubledAt > steadyMs
  return {
    ...(isOver || troubledSince === undefined ? {} : { troubledSince, troubledAt }),
    ...('complete' in seen ? { wellSince: wellSince ?? now } : {}),
  }
}

function endOf(seen: Seen, { troubledSince, wellSince }: Course, now: number): Followed | undefined {
  if ('failed' in seen) return seen
  if ('complete' in seen && now - (wellSince ?? now) >= steadyMs) return { done: seen.complete }
  if (!('trouble' in seen) || seen.trouble === undefined) return undefined
  return now - (troubledSince ?? now) >= patienceMs
    ? { failed: `the rollout does not go on. ${seen.trouble}` }
    : undefined
}

function lineOf(seen: Seen): string {
  if ('complete' in seen) return 'the rollout is complete; looking whether Velero stays'
  if ('progress' in seen) return seen.progress
  return 'failed' in seen ? seen.failed : seen.unanswered
}

function outOfTime(seen: Seen, timeoutMs: number): Followed {
  const message = `the rollout was not complete after ${spell(timeoutMs)}: ${lineOf(seen)}`
  return 'unanswered' in seen ? { unanswered: message } : { failed: message }
}
