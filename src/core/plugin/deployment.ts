/** What we read of a Deployment that runs Velero, and nothing more. */
import { at, objectAt, textAt, textMapAt, type Json } from '../velero.ts'

/** The label of the Deployment by which Velero's own commands find it (velero pkg/cmd/cli/plugin/helpers.go). */
export const componentLabel = { key: 'component', value: 'velero' } as const
/** The container that runs the server. */
export const veleroContainer = 'velero'
/** Where the server reads plugins from. */
export const pluginFolder = '/plugins'
/** Where the initContainer of a plugin copies it to. */
export const targetFolder = '/target'

/** A mount of a container. */
export type Mount = { readonly name: string; readonly mountPath: string }

/** An initContainer as far as we look at it; `mounts` undefined: it has no list of them. */
export type InitContainer = {
  readonly name: string
  readonly image: string
  readonly imagePullPolicy: string
  readonly mounts: readonly Mount[] | undefined
}

/** The pod template of the Deployment. A list that is not there is undefined: a patch must then make it. */
export type PodTemplate = {
  readonly hasMetadata: boolean
  readonly annotations: Readonly<Record<string, string>> | undefined
  readonly initContainers: readonly InitContainer[] | undefined
  readonly containerNames: readonly string[]
  /** Where among the containers the server is. */
  readonly serverIndex: number
  readonly serverMounts: readonly Mount[] | undefined
  readonly volumes: readonly string[] | undefined
  readonly imagePullSecrets: readonly string[] | undefined
  /** The ServiceAccount that its pods run as. */
  readonly serviceAccount: string
}

/** The pod template of a Deployment of Velero; undefined if it is not one: another may carry the same label. */
export function readPodTemplate(deployment: unknown): PodTemplate | undefined {
  const isLabelled = textAt(deployment, 'metadata', 'labels', componentLabel.key) === componentLabel.value
  const template = objectAt(deployment, 'spec', 'template')
  const containers = listAt(template, 'spec', 'containers') ?? []
  const serverIndex = containers.findIndex((one) => textAt(one, 'name') === veleroContainer)
  if (!isLabelled || serverIndex === -1) return undefined
  return {
    hasMetadata: isThere(template, 'metadata'),
    annotations: isThere(template, 'metadata', 'annotations')
      ? textMapAt(template, 'metadata', 'annotations')
      : undefined,
    initContainers: listAt(template, 'spec', 'initContainers')?.map(initContainerOf),
    containerNames: containers.map((one) => textAt(one, 'name')),
    serverIndex,
    serverMounts: mountsOf(containers[serverIndex]),
    volumes: namesAt(template, 'spec', 'volumes'),
    imagePullSecrets: namesAt(template, 'spec', 'imagePullSecrets'),
    // serviceAccount is the older name of the field; a pod that says neither runs as default.
    serviceAccount:
      textAt(template, 'spec', 'serviceAccountName') ||
      textAt(template, 'spec', 'serviceAccount') ||
      'default',
  }
}

const isThere = (object: Json, ...path: readonly string[]): boolean => (at(object, ...path) ?? null) !== null

function listAt(object: unknown, ...path: readonly string[]): readonly unknown[] | undefined {
  const value = at(object, ...path)
  return Array.isArray(value) ? value : undefined
}

const namesAt = (object: unknown, ...path: readonly string[]): readonly string[] | undefined =>
  listAt(object, ...path)?.map((one) => textAt(one, 'name'))

const mountsOf = (container: unknown): readonly Mount[] | undefined =>
  listAt(container, 'volumeMounts')?.map((one) => ({
    name: textAt(one, 'name'),
    mountPath: textAt(one, 'mountPath'),
  }))

const initContainerOf = (one: unknown): InitContainer => ({
  name: textAt(one, 'name'),
  image: textAt(one, 'image'),
  imagePullPolicy: textAt(one, 'imagePullPolicy'),
  mounts: mountsOf(one),
})

/** Whether two paths name one folder: a slash at the end says nothing. */
export const isSameFolder = (path: string, folder: string): boolean => path.replace(/\/+$/u, '') === folder
