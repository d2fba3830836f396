/** Scaling and taking it back: what is to be set on each object, what is left alone, and when an autoscaler forbids it. */
import { at, objectAt, textAt, type Json } from './velero.ts'

/** The scale of one object as it is. */
export type Scale = {
  readonly name: string
  readonly uid: string
  readonly resourceVersion: string
  readonly replicas: number
}

/** What was there before, and the number that was set: all that taking it back needs to know. */
export type Scaled = {
  readonly replicas: number
  readonly objects: readonly Pick<Scale, 'name' | 'uid' | 'replicas'>[]
}

/** What to do with one object. again: what was kept of it is not what is there any more, so that it must be kept anew first. */
export type ScaleStep =
  | { readonly do: 'set'; readonly replicas: number }
  | { readonly do: 'leave'; readonly because: string }
  | { readonly do: 'again'; readonly because: string }
  | { readonly do: 'fail'; readonly because: string }

/** Reads a Scale (autoscaling/v1); without a number of replicas it has 0. */
export function scaleIn(object: Json): Scale {
  const replicas = at(object, 'spec', 'replicas')
  return {
    name: textAt(object, 'metadata', 'name'),
    uid: textAt(object, 'metadata', 'uid'),
    resourceVersion: textAt(object, 'metadata', 'resourceVersion'),
    replicas: typeof replicas === 'number' ? replicas : 0,
  }
}

/** What was kept of a scaling to this number, as a run holds it; undefined if nothing was. */
export function scaledIn(kept: Json | undefined, replicas: number): Scaled | undefined {
  const objects = at(kept, 'objects')
  if (!Array.isArray(objects) || at(kept, 'replicas') !== replicas) return undefined
  return {
    replicas,
    objects: objects.map((one: unknown) => {
      const before = at(one, 'replicas')
      return {
        name: textAt(one, 'name'),
        uid: textAt(one, 'uid'),
        replicas: typeof before === 'number' ? before : 0,
      }
    }),
  }
}

type Before = Scaled['objects'][number]

/**
 * What is to be kept before anything is set: what an attempt before this one kept, where that one has set the number since; else
 * what is there now, for it is what somebody wanted last.
 */
export function toKeep(replicas: number, kept: Scaled | undefined, now: readonly Scale[]): Scaled {
  const former = kept?.objects ?? []
  const objects = now.map(({ name, uid, replicas: there }) => {
    const old = former.find((one) => one.name === name && one.uid === uid)
    return { name, uid, replicas: old !== undefined && there === replicas ? old.replicas : there }
  })
  const others = former.filter(({ name }) => now.every((one) => one.name !== name))
  return { replicas, objects: [...objects, ...others] }
}

/** Scales one object, of which this was kept. */
export function scaleStep(wanted: number, before: Before, now: Scale | undefined): ScaleStep {
  if (now === undefined) return { do: 'fail', because: 'is not there any more' }
  if (now.uid !== before.uid) return { do: 'again', because: 'was made anew' }
  if (now.replicas === wanted)
    return {
      do: 'leave',
      because: before.replicas === wanted ? `had ${wanted} already` : `from ${before.replicas} to ${wanted}`,
    }
  if (now.replicas === before.replicas) return { do: 'set', replicas: wanted }
  return { do: 'again', because: `was changed meanwhile, from ${before.replicas} to ${now.replicas}` }
}

/** Takes the scaling of one object back: only what still stands as it was set. */
export function restoreStep(set: number, before: Before, now: Scale | undefined): ScaleStep {
  if (now === undefined) return { do: 'leave', because: 'is gone' }
  if (now.uid !== before.uid) return { do: 'leave', because: 'is another object by now: left as it is' }
  if (now.replicas === before.replicas) return { do: 'leave', because: `has ${before.replicas}` }
  if (now.replicas === set) return { do: 'set', replicas: before.replicas }
  return {
    do: 'leave',
    because: `has ${now.replicas}, which somebody set since: left as it is (it had ${before.replicas})`,
  }
}

type Aim = { readonly apiVersion: string; readonly kind: string; readonly name: string }

/**
 * Why a HorizontalPodAutoscaler forbids this number; undefined if none does. One that targets the object sets its own number
 * every 15 s, but leaves alone what has 0 replicas (kubernetes.io, Horizontal Pod Autoscaling, "Implicit maintenance-mode
 * deactivation"), unless its minReplicas is 0.
 */
export function autoscaled(aim: Aim, replicas: number, autoscalers: readonly Json[]): string | undefined {
  for (const autoscaler of autoscalers.filter((one) => targets(one, aim))) {
    const name = `HorizontalPodAutoscaler ${textAt(autoscaler, 'metadata', 'name')}`
    if (replicas > 0)
      return `${name} targets ${aim.kind} ${aim.name} and would set another number again; scale it to 0, which an autoscaler leaves alone, or patch the autoscaler`
    if (at(autoscaler, 'spec', 'minReplicas') === 0)
      return `${name} targets ${aim.kind} ${aim.name} and its minReplicas is 0, so it would scale it up from 0 again; set its minReplicas to 1 first`
  }
  return undefined
}

function targets(autoscaler: Json, { apiVersion, kind, name }: Aim): boolean {
  const ref = objectAt(autoscaler, 'spec', 'scaleTargetRef')
  if (textAt(ref, 'kind') !== kind || textAt(ref, 'name') !== name) return false
  // The version may be another one; a reference without any could mean it.
  const referred = textAt(ref, 'apiVersion')
  return referred === '' || groupOf(referred) === groupOf(apiVersion)
}

const groupOf = (apiVersion: string): string =>
  apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : ''
