/**
 * Takes tidewaiter out of a cluster: stops admitting, waits for what is in hand, ends the pods, and only then takes away what
 * keeps held objects from starting. Every step looks at what is there, so that another run finishes what one began.
 */
import { spell } from '../core/refusal.ts'
import { inHandText } from '../core/uninstall/in-hand.ts'
import { ownedText, type Owned, type OwnStep } from '../core/uninstall/own-kinds.ts'
import { StartError } from '../start-error.ts'
import type { UninstallCluster } from '../wiring/uninstall.ts'
import { drained } from './uninstall-drain.ts'
import {
  again,
  no,
  yes,
  type Uninstalled,
  type UninstallPorts,
  type UninstallWish,
} from './uninstall-ports.ts'

/** Uninstalls. Rejects with a StartError where a right is lacking, with a KubeError, or with the signal's reason. */
export async function uninstall(wish: UninstallWish, ports: UninstallPorts): Promise<Uninstalled> {
  await insistOnRights(wish, ports)
  const there = await allOwned(ports)
  const data = await ports.data()
  if (there.length === 0 && !(wish.deleteData && data.length > 0))
    return yes(['nothing of tidewaiter is installed', ...keptText(data)].join('\n'))
  const lost = wish.deleteData ? data : []
  await tellPlan(there, lost, ports)
  if (wish.dryRun) return yes('dry run: this would be taken away, and what is in hand waited for before')
  if (!(await ports.confirmed(questionOf(lost)))) return no('nothing was done: not confirmed')
  return (await takeAway(wish, ports)) ?? done(wish, ports)
}

async function tellPlan(
  there: readonly Owned[],
  lost: Data,
  { inHand, tell }: UninstallPorts,
): Promise<void> {
  for (const one of there) tell(`- ${ownedText(one)}`)
  for (const one of lost) tell(`- ${ownedText(one)} with all ${one.count} of them`)
  const now = await inHand()
  if (now.length > 0) tell(`in hand: ${inHandText(now)}`)
}

async function insistOnRights(wish: UninstallWish, { lacking }: UninstallPorts): Promise<void> {
  const missing = await lacking(wish)
  if (missing.length > 0)
    throw new StartError(
      4,
      `to take tidewaiter away this user must be allowed, in all namespaces: ${missing.join(', ')}; nothing was done`,
    )
}

const steps: readonly OwnStep[] = ['admitting', 'running', 'guard', 'rest', 'namespaces']

const allOwned = async ({ owned }: UninstallPorts): Promise<readonly Owned[]> =>
  (await Promise.all(steps.map(owned))).flat()

type Data = Awaited<ReturnType<UninstallCluster['data']>>

const countsText = (data: Data): string => data.map(({ name, count }) => `${count} ${name}`).join(', ')

const questionOf = (lost: Data): string =>
  `Take tidewaiter out of this cluster${lost.length > 0 ? `, and delete for ever ${countsText(lost)}` : ''}? [y/N] `

/** Undefined: all went as it should. */
async function takeAway(wish: UninstallWish, ports: UninstallPorts): Promise<Uninstalled | undefined> {
  const stopped = await removed('admitting', ports)
  if (stopped !== undefined) return stopped
  // Where nothing admits, what is created is as without tidewaiter, and there is nobody to wait for.
  const before = await ports.objects()
  // In this order; the first that leaves something ends it.
  const parts: readonly (() => Promise<Uninstalled | undefined>)[] = [
    () => drained(wish, ports),
    () => removed('running', ports),
    () => withoutPods(ports),
    () => released(wish, ports),
    () => removed('guard', ports),
    () => removed('rest', ports),
    () => withoutNamespaces(ports),
    () => tellCreated(before, ports),
    ...(wish.deleteData ? [() => withoutData(ports)] : []),
  ]
  for (const part of parts) {
    const left = await part()
    if (left !== undefined) return left
  }
  return undefined
}

/** Deletes what a step is made of. */
async function removed(step: OwnStep, ports: UninstallPorts): Promise<Uninstalled | undefined> {
  const all = await ports.owned(step)
  for (const one of all) {
    const why = await ports.remove(one)
    if (why !== undefined) return no(`${ownedText(one)} could not be deleted: ${why}. ${again}`)
    // The leader gives back what nobody needs any more: this one was still needed.
    if (one.means !== undefined) ports.tell(`given up: ${one.means}`)
  }
  if (step === 'admitting' && all.length > 0)
    ports.tell('admission has stopped: what is created from now on is as without tidewaiter')
  return undefined
}

const lookEveryMs = 500

// A pod is given 45 s to end what it has begun (deploy/base/deployment.yaml), and then killed.
const podsEndMs = 90_000

async function withoutPods({ clock, signal, pods, tell }: UninstallPorts): Promise<Uninstalled | undefined> {
  const began = clock.now()
  for (let told = false; ; told = true) {
    const left = await pods()
    if (left.length === 0) return undefined
    const names = left.map(({ name }) => name).join(', ')
    if (!told) tell(`waiting for the pods to end: ${names}`)
    if (clock.now() - began >= podsEndMs)
      return no(`the pods ${names} must end, and did not within ${spell(podsEndMs)}. ${again}`)
    await clock.sleep(lookEveryMs, signal)
  }
}

/** Nobody of ours is left. What is held would start once the guard is gone, without its pre actions. */
async function released({ force }: UninstallWish, ports: UninstallPorts): Promise<Uninstalled | undefined> {
  const held = (await ports.inHand()).filter((one) => one.held !== undefined)
  if (held.length > 0 && !force)
    return no(
      `${inHandText(held)}: it came at the last moment, and would start without its pre actions. Delete it and run this again, ` +
        'or give --force, which ends it as FailedValidation',
    )
  for (const one of held) {
    const why = one.held === undefined ? undefined : await ports.fail(one.held)
    if (why !== undefined)
      return no(`${one.text} could not be ended: ${why}. It would start without its pre actions. ${again}`)
    ports.tell(`ended as FailedValidation: ${one.text}`)
  }
  return undefined
}

const namespaceEndsMs = 120_000

async function withoutNamespaces(ports: UninstallPorts): Promise<Uninstalled | undefined> {
  for (const namespace of await ports.owned('namespaces')) {
    const foreign = await ports.foreignIn(namespace.name)
    if (foreign.length > 0)
      ports.tell(
        `${ownedText(namespace)} stays, because not all in it is ours: ${foreign.join(', ')}. kubectl delete namespace ${namespace.name} deletes it with that`,
      )
    else {
      const why = await ports.remove(namespace)
      if (why !== undefined) return no(`${ownedText(namespace)} could not be deleted: ${why}. ${again}`)
      if (!(await isGone(namespace, ports)))
        return no(`${ownedText(namespace)} must go, and did not within ${spell(namespaceEndsMs)}. ${again}`)
    }
  }
  return undefined
}

async function isGone(owned: Owned, { clock, signal, isThere }: UninstallPorts): Promise<boolean> {
  for (const endsAt = clock.now() + namespaceEndsMs; clock.now() < endsAt;) {
    if (!(await isThere(owned))) return true
    await clock.sleep(lookEveryMs, signal)
  }
  return false
}

/** What came in between is never silent: neither refused nor guarded, it is named. */
async function tellCreated(
  before: ReadonlyMap<string, string>,
  { objects, tell }: UninstallPorts,
): Promise<undefined> {
  const created = [...(await objects())].filter(([uid]) => !before.has(uid)).map(([, text]) => text)
  if (created.length > 0) tell(`created meanwhile, without any action: ${created.join(', ')}`)
}

async function withoutData(ports: UninstallPorts): Promise<Uninstalled | undefined> {
  for (const crd of await ports.data()) {
    const why = await ports.remove(crd)
    if (why !== undefined) return no(`${ownedText(crd)} could not be deleted: ${why}. ${again}`)
    if (!(await isGone(crd, ports)))
      return no(`${ownedText(crd)} must go, and did not within ${spell(namespaceEndsMs)}. ${again}`)
  }
  return undefined
}

const keptText = (data: Data): readonly string[] =>
  data.length === 0 ? [] : [`kept: ${countsText(data)} (--delete-data deletes them)`]

/** What is there again was made by somebody else meanwhile: a GitOps tool, most likely. */
async function done({ deleteData }: UninstallWish, ports: UninstallPorts): Promise<Uninstalled> {
  const left = (await allOwned(ports)).filter(({ kind }) => kind !== 'Namespace')
  if (left.length > 0)
    return no(
      `made again by somebody while it was taken away: ${left.map(ownedText).join(', ')}. Take tidewaiter out of what applies it (GitOps?), and run this again`,
    )
  return yes(['tidewaiter is uninstalled', ...(deleteData ? [] : keptText(await ports.data()))].join('\n'))
}
