/** The fields that field selectors may name, for each built-in kind that has some beside name and namespace. */
import { at, textAt, type JsonObject } from '../json.ts'

type Getters = Readonly<Record<string, (object: JsonObject) => string>>

function paths(...list: readonly string[]): Getters {
  return Object.fromEntries(
    list.map((path) => {
      const steps = path.split('.')
      return [path, (object: JsonObject) => plain(at(object, ...steps))] as const
    }),
  )
}

const plain = (value: unknown): string => {
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : ''
}

const event: Getters = {
  ...paths(
    'involvedObject.kind',
    'involvedObject.namespace',
    'involvedObject.name',
    'involvedObject.uid',
    'involvedObject.apiVersion',
    'involvedObject.resourceVersion',
    'involvedObject.fieldPath',
    'reason',
    'reportingComponent',
    'type',
  ),
  source: (object) => textAt(object, 'source', 'component') || textAt(object, 'reportingComponent'),
}

const kinds: Readonly<Record<string, Getters>> = {
  Pod: paths(
    'spec.nodeName',
    'spec.restartPolicy',
    'spec.schedulerName',
    'spec.serviceAccountName',
    'status.phase',
    'status.podIP',
    'status.nominatedNodeName',
  ),
  Event: event,
  Secret: paths('type'),
  Namespace: paths('status.phase'),
  Node: paths('spec.unschedulable'),
  ReplicaSet: paths('status.replicas'),
  Job: paths('status.successful'),
  Service: paths('spec.clusterIP', 'spec.type'),
}

/** The fields of a kind. */
export function selectableFields(kind: string): Getters {
  return kinds[kind] ?? {}
}

/** Fields by JSON path, as a CRD's selectableFields name them. */
export function selectableOf(jsonPaths: readonly string[]): Getters {
  return paths(...jsonPaths.map((path) => path.replace(/^\./, '')))
}
