/** A restart of Velero as `kubectl rollout restart` makes it, and what it changes besides. */
import { at, objectAt, textAt, type Json } from '../velero.ts'

/** The annotation of the pod template that kubectl writes (kubectl pkg/polymorphichelpers/objectrestarter.go). */
export const restartedAt = 'kubectl.kubernetes.io/restartedAt'

/** When a pod, or the template of pods, was last told to restart; '' if never. */
export const restartedAtOf = (podOrTemplate: Json): string =>
  textAt(podOrTemplate, 'metadata', 'annotations', restartedAt)

/** The merge patch that restarts a Deployment, and that is refused if it is no longer as it was read. */
export function restartPatch(deployment: Json, time: string): Json {
  return {
    metadata: { resourceVersion: textAt(deployment, 'metadata', 'resourceVersion') },
    spec: { template: { metadata: { annotations: { [restartedAt]: time } } } },
  }
}

/** What becomes of one initContainer. */
export type Change = { readonly name: string; readonly from?: string; readonly to?: string }

/** How the pod template of a Deployment changes. */
export type Changes = {
  readonly initContainers: readonly Change[]
  /** Whether anything changes but the time of the restart. */
  readonly isAny: boolean
}

/** Compares two states of a Deployment. */
export function changesBetween(before: Json, after: Json): Changes {
  const [was, will] = [imagesOf(before), imagesOf(after)]
  const initContainers = [...new Set([...was.keys(), ...will.keys()])]
    .filter((name) => was.get(name) !== will.get(name))
    .map((name) => change(name, was.get(name), will.get(name)))
  return { initContainers, isAny: templateText(before) !== templateText(after) }
}

function change(name: string, from: string | undefined, to: string | undefined): Change {
  return { name, ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) }
}

function imagesOf(deployment: Json): ReadonlyMap<string, string> {
  const list = at(deployment, 'spec', 'template', 'spec', 'initContainers')
  const containers: readonly unknown[] = Array.isArray(list) ? list : []
  return new Map(containers.map((one) => [textAt(one, 'name'), textAt(one, 'image')]))
}

/** The pod template without the time of a restart, keys in order: equal texts are equal templates. */
function templateText(deployment: Json): string {
  const template = objectAt(deployment, 'spec', 'template')
  const annotations = { ...objectAt(template, 'metadata', 'annotations'), [restartedAt]: '' }
  return JSON.stringify({ ...template, metadata: { ...objectAt(template, 'metadata'), annotations } }, sorted)
}

const sorted = (_: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value

/** `acme: registry.example.com/acme:1.0@sha256:...` is new, changed or gone. */
export function changeText({ name, from, to }: Change): string {
  if (to === undefined) return `- ${name} ${from ?? ''}`
  return from === undefined ? `+ ${name} ${to}` : `~ ${name} ${from} -> ${to}`
}
