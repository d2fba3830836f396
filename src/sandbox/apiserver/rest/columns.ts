/** The printer columns of built-in kinds (kubernetes pkg/printers/internalversion), and of CRDs. */
import { at, isObject, listAt, objectAt, textAt, textMapAt, type Json, type JsonObject } from '../json.ts'
import type { Column } from '../resources/resource.ts'
import { valuesAt } from './json-path.ts'
import { age } from './age.ts'
import { podColumns } from './pod-columns.ts'

type Cell = Column['cell']

/** A column. */
export function column(name: string, cell: Cell, more: Partial<Column> = {}): Column {
  return {
    name,
    type: 'string',
    format: name === 'Name' ? 'name' : '',
    priority: 0,
    description: '',
    ...more,
    cell,
  }
}

/** The name of an object. */
export const nameColumn: Column = column('Name', (object) => textAt(object, 'metadata', 'name'))
/** The age of an object. */
export const ageColumn: Column = column('Age', (object, now) =>
  age(textAt(object, 'metadata', 'creationTimestamp'), now),
)

const textCell =
  (...path: readonly string[]): Cell =>
  (object) =>
    textAt(object, ...path)
const numberCell =
  (...path: readonly string[]): Cell =>
  (object) => {
    const value = at(object, ...path)
    return typeof value === 'number' ? value : 0
  }
const countCell =
  (...path: readonly string[]): Cell =>
  (object) =>
    Object.keys(objectAt(object, ...path)).length
const lengthCell =
  (...path: readonly string[]): Cell =>
  (object) =>
    listAt(object, ...path).length
const integer = { type: 'integer' }
const wide = { priority: 1 }

const ready: Column = column('Ready', (object) => {
  const wanted = at(object, 'spec', 'replicas')
  return `${Number(at(object, 'status', 'readyReplicas') ?? 0)}/${typeof wanted === 'number' ? wanted : 0}`
})
const containers = (...path: readonly string[]): readonly Column[] => [
  column(
    'Containers',
    (object) =>
      listAt(object, ...path)
        .map((one) => textAt(one, 'name'))
        .join(','),
    wide,
  ),
  column(
    'Images',
    (object) =>
      listAt(object, ...path)
        .map((one) => textAt(one, 'image'))
        .join(','),
    wide,
  ),
]
const labels = (values: Readonly<Record<string, string>>): string =>
  Object.entries(values)
    .map(([key, value]) => `${key}=${value}`)
    .join(',') || '<none>'
const selector: Column = column(
  'Selector',
  (object) => labels(textMapAt(object, 'spec', 'selector', 'matchLabels')),
  wide,
)
const roleRef: Column = column(
  'Role',
  (object) => `${textAt(object, 'roleRef', 'kind')}/${textAt(object, 'roleRef', 'name')}`,
)

const webhooks: readonly Column[] = [column('Webhooks', lengthCell('webhooks'), integer)]
const templateContainers = containers('spec', 'template', 'spec', 'containers')

// What stands between Name and Age.
const middle: Readonly<Record<string, readonly Column[]>> = {
  Namespace: [column('Status', textCell('status', 'phase'))],
  Secret: [column('Type', textCell('type')), column('Data', countCell('data'), integer)],
  ConfigMap: [column('Data', countCell('data'), integer)],
  Deployment: [
    ready,
    column('Up-to-date', numberCell('status', 'updatedReplicas'), integer),
    column('Available', numberCell('status', 'availableReplicas'), integer),
  ],
  ReplicaSet: [
    column('Desired', numberCell('spec', 'replicas'), integer),
    column('Current', numberCell('status', 'replicas'), integer),
    column('Ready', numberCell('status', 'readyReplicas'), integer),
  ],
  StatefulSet: [ready],
  DaemonSet: [
    column('Desired', numberCell('status', 'desiredNumberScheduled'), integer),
    column('Current', numberCell('status', 'currentNumberScheduled'), integer),
    column('Ready', numberCell('status', 'numberReady'), integer),
  ],
  Job: [
    column('Status', (object) => jobStatus(object)),
    column(
      'Completions',
      (object) =>
        `${Number(at(object, 'status', 'succeeded') ?? 0)}/${Number(at(object, 'spec', 'completions') ?? 1)}`,
    ),
  ],
  Lease: [column('Holder', textCell('spec', 'holderIdentity'))],
  RoleBinding: [roleRef],
  ClusterRoleBinding: [roleRef],
  ValidatingWebhookConfiguration: webhooks,
  MutatingWebhookConfiguration: webhooks,
  ValidatingAdmissionPolicy: [
    column('Validations', lengthCell('spec', 'validations'), integer),
    column('ParamKind', (object) =>
      isObject(at(object, 'spec', 'paramKind'))
        ? `${textAt(object, 'spec', 'paramKind', 'apiVersion')}/${textAt(object, 'spec', 'paramKind', 'kind')}`
        : '<unset>',
    ),
  ],
  ValidatingAdmissionPolicyBinding: [
    column('PolicyName', textCell('spec', 'policyName')),
    column('ParamRef', (object) => textAt(object, 'spec', 'paramRef', 'name') || '<unset>'),
  ],
  PersistentVolumeClaim: [
    column('Status', textCell('status', 'phase')),
    column('Volume', textCell('spec', 'volumeName')),
  ],
}

// What stands behind Age.
const behind: Readonly<Record<string, readonly Column[]>> = {
  Deployment: [...templateContainers, selector],
  ReplicaSet: [...templateContainers, selector],
  StatefulSet: templateContainers,
  DaemonSet: [...templateContainers, selector],
  Job: templateContainers,
}

function jobStatus(object: JsonObject): string {
  const condition = (type: string): boolean =>
    listAt(object, 'status', 'conditions').some(
      (one) => textAt(one, 'type') === type && textAt(one, 'status') === 'True',
    )
  if (condition('Complete')) return 'Complete'
  return condition('Failed') ? 'Failed' : 'Running'
}

const serviceColumns: readonly Column[] = [
  nameColumn,
  column('Type', textCell('spec', 'type')),
  column('Cluster-IP', (object) => textAt(object, 'spec', 'clusterIP') || '<none>'),
  column('External-IP', () => '<none>'),
  column(
    'Port(s)',
    (object) =>
      listAt(object, 'spec', 'ports')
        .map((port) => `${Number(at(port, 'port'))}/${textAt(port, 'protocol')}`)
        .join(',') || '<none>',
  ),
  ageColumn,
  column('Selector', (object) => labels(textMapAt(object, 'spec', 'selector')), wide),
]

const eventColumns: readonly Column[] = [
  column('Last Seen', (object, now) =>
    age(
      textAt(object, 'lastTimestamp') ||
        textAt(object, 'eventTime') ||
        textAt(object, 'metadata', 'creationTimestamp'),
      now,
    ),
  ),
  column('Type', textCell('type')),
  column('Reason', textCell('reason')),
  column(
    'Object',
    (object) =>
      `${textAt(object, 'involvedObject', 'kind').toLowerCase()}/${textAt(object, 'involvedObject', 'name')}`,
  ),
  column('Message', (object) => textAt(object, 'message').trim()),
  column('Name', textCell('metadata', 'name'), wide),
]

/** The columns of a built-in kind. */
export function columnsOf(kind: string): readonly Column[] {
  if (kind === 'Pod') return podColumns
  if (kind === 'Service') return serviceColumns
  if (kind === 'Event') return eventColumns
  if (kind === 'CustomResourceDefinition' || kind === 'Role' || kind === 'ClusterRole') {
    return [nameColumn, column('Created At', textCell('metadata', 'creationTimestamp'), { type: 'date' })]
  }
  return [nameColumn, ...(middle[kind] ?? []), ageColumn, ...(behind[kind] ?? [])]
}

/** The columns that a CRD declares; Age alone where it declares none. */
export function declaredColumns(declared: readonly Json[]): readonly Column[] {
  if (declared.length === 0) return [nameColumn, column('Age', ageColumn.cell, { type: 'date' })]
  return [
    nameColumn,
    ...declared.map((one) => {
      const [path, type] = [textAt(one, 'jsonPath'), textAt(one, 'type')]
      const priority = at(one, 'priority')
      return column(textAt(one, 'name'), (object, now) => declaredCell(valuesAt(object, path), type, now), {
        type,
        description: textAt(one, 'description'),
        priority: typeof priority === 'number' ? priority : 0,
      })
    }),
  ]
}

function declaredCell(
  values: readonly Json[] | undefined,
  type: string,
  now: number,
): string | number | boolean | null {
  const [first] = values ?? []
  if (values === undefined || first === undefined || first === null) return null
  if (type === 'date') return age(typeof first === 'string' ? first : '', now)
  if (values.length > 1) return JSON.stringify(values)
  return typeof first === 'object' ? JSON.stringify(first) : first
}
