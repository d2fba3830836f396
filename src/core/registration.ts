/**
 * How the API server comes to ask us: the two webhook configurations.
 *
 * They cannot lock out the service that answers them. They concern kinds of velero.io and tidewaiter.io and the Deployment of
 * Velero, in Velero's namespaces only, so our pods, Secrets and Leases come to be without us; Velero's Deployment can be
 * written while we are away; nothing asks on DELETE, so Actions, runs, CRDs and namespaces go without us; and an Action that is
 * being deleted can lose its finalizers without us.
 */
import { componentLabel } from './plugin/deployment.ts'
import { objectAt, textAt, type Json } from './velero.ts'

/** An object for the API server. */
export type Manifest = Json & {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> }
}

/** Labels of everything we install: found by the first, and no part of a Backup by the second. */
export const ownLabels = {
  'app.kubernetes.io/part-of': 'tidewaiter',
  'velero.io/exclude-from-backup': 'true',
} as const

/** The label that switches us off for a namespace, by its value `off`. */
export const gateLabel = 'tidewaiter.io/gate'

/** Velero's namespaces, except where somebody broke the glass: needs no pod of ours. */
export const scopeOf = (namespaces: readonly string[]) => ({
  matchExpressions: [
    { key: 'kubernetes.io/metadata.name', operator: 'In', values: [...namespaces] },
    { key: gateLabel, operator: 'NotIn', values: ['off'] },
  ],
})

/** Where the API server finds us: a Service, or (outside a cluster) an address such as https://127.0.0.1:9443. */
export type ClientConfig =
  { readonly service: { readonly namespace: string; readonly name: string } } | { readonly url: string }

/** What the registrations depend on. */
export type RegistrationInput = {
  /** The name of both configurations. */
  readonly name: string
  readonly namespaces: readonly string[]
  readonly clientConfig: ClientConfig
  /** The random part of the paths; '' in the manifests, before the leader has filled it in. */
  readonly token: string
  /** PEM; '' in the manifests. */
  readonly caBundle: string
  /** For Backups and Restores; `Ignore` lets them pass unguarded while we are away. */
  readonly failurePolicy?: 'Fail' | 'Ignore'
}

/** The last part of the path by which each webhook is called. */
export const webhookRoutes = [
  'backups',
  'restores',
  'actions',
  'plugins',
  'author',
  'deployments',
  'hold',
] as const
/** One webhook. */
export type WebhookRoute = (typeof webhookRoutes)[number]

/** The name of a webhook, the same in every install. */
export const webhookName = (route: WebhookRoute): string => `${route}.tidewaiter.io`

/** The path of a webhook. A guessed one must not lead to us: whoever reaches the port could else start actions. */
const webhookPath = (token: string, route: WebhookRoute): string => `/${token}/${route}`

const starts = {
  name: 'starts-work',
  // Velero's backup sync creates finished Backups (backup_sync_controller.go): they are none of our business.
  expression: "object.?status.phase.orValue('') in ['', 'New']",
}
const notLeaving = {
  name: 'not-being-deleted',
  // The garbage collector takes its finalizer off by an UPDATE: this must work while we are away. Spec and annotations must stay.
  expression:
    'oldObject == null || !object.metadata.?deletionTimestamp.hasValue() || object.?spec.orValue({}) != oldObject.?spec.orValue({}) || ' +
    'object.metadata.?annotations.orValue({}) != oldObject.metadata.?annotations.orValue({})',
}

const templateChanges = {
  name: 'template-changes',
  expression:
    'oldObject == null || object.?spec.template.orValue({}) != oldObject.?spec.template.orValue({})',
}

const rule = (group: string, resource: string | readonly string[], operations: readonly string[]) => ({
  apiGroups: [group],
  apiVersions: ['*'],
  operations,
  resources: typeof resource === 'string' ? [resource] : resource,
  scope: 'Namespaced',
})

function clientConfigOf(route: WebhookRoute, { clientConfig, token, caBundle }: RegistrationInput): Json {
  // The manifests name no path, so that to apply them again leaves the one that the leader filled in.
  const path = token === '' ? undefined : webhookPath(token, route)
  // The API server wants PEM in base64 here; what is in a PEM file is ASCII.
  const bundle = caBundle === '' ? {} : { caBundle: btoa(caBundle) }
  if ('url' in clientConfig)
    return { url: `${clientConfig.url.replace(/\/+$/, '')}${path ?? '/'}`, ...bundle }
  const service = { ...clientConfig.service, ...(path === undefined ? {} : { path }), port: 443 }
  return { service, ...bundle }
}

/** How long the API server waits for the answer about a Backup or Restore: the longest it gives. The actions run in this time. */
export const registeredSeconds = 30

// Everything the API server would fill in is written out, so that what is read back equals what is wanted.
const common = (route: WebhookRoute, input: RegistrationInput) => ({
  name: webhookName(route),
  admissionReviewVersions: ['v1'],
  clientConfig: clientConfigOf(route, input),
  matchPolicy: 'Equivalent',
  namespaceSelector: scopeOf(input.namespaces),
  objectSelector: {},
})

const beforeWork = (route: 'backups' | 'restores', input: RegistrationInput): Json => ({
  ...common(route, input),
  rules: [rule('velero.io', route, ['CREATE'])],
  matchConditions: [starts],
  failurePolicy: input.failurePolicy ?? 'Fail',
  sideEffects: 'NoneOnDryRun',
  timeoutSeconds: registeredSeconds,
})

const ownKind = (route: 'actions' | 'plugins' | 'author', input: RegistrationInput): Json => ({
  ...common(route, input),
  rules: [rule('tidewaiter.io', route === 'plugins' ? 'veleroplugins' : 'actions', ['CREATE', 'UPDATE'])],
  matchConditions: [notLeaving],
  failurePolicy: 'Fail',
  sideEffects: 'None',
  timeoutSeconds: 10,
})

/** Only Deployments of Velero, and only where the pod template changes: what else is written of one must not wait for us. */
const deployments = (input: RegistrationInput): Json => ({
  ...common('deployments', input),
  objectSelector: { matchLabels: { [componentLabel.key]: componentLabel.value } },
  rules: [rule('apps', 'deployments', ['CREATE', 'UPDATE'])],
  matchConditions: [templateChanges],
  failurePolicy: 'Ignore',
  sideEffects: 'None',
  timeoutSeconds: 10,
})

/** While we are away nothing is held, and what should be is refused by the validating webhook. */
const hold = (input: RegistrationInput): Json => ({
  ...common('hold', input),
  rules: [rule('velero.io', ['backups', 'restores'], ['CREATE'])],
  matchConditions: [starts],
  failurePolicy: 'Ignore',
  sideEffects: 'None',
  timeoutSeconds: 5,
})

const configuration = (kind: string, name: string, webhooks: readonly Json[]): Manifest => ({
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind,
  metadata: { name, labels: ownLabels },
  webhooks,
})

/** The two webhook configurations: who asks us, about what, and what happens while we are away. */
export function registrationsOf(input: RegistrationInput): readonly [Manifest, Manifest] {
  const validating = [
    beforeWork('backups', input),
    beforeWork('restores', input),
    ownKind('actions', input),
    ownKind('plugins', input),
  ]
  // Called again if a later webhook changes the object: a stamp is for one spec, a pod template must carry its plugins after all,
  // and what is held depends on spec and labels.
  const mutating = [ownKind('author', input), deployments(input), hold(input)].map((webhook) => ({
    ...webhook,
    reinvocationPolicy: 'IfNeeded',
  }))
  return [
    configuration('ValidatingWebhookConfiguration', input.name, validating),
    configuration('MutatingWebhookConfiguration', input.name, mutating),
  ]
}

/** One operation of the patch; `test` makes it fail where somebody moved the webhooks meanwhile. */
export type RegistrationOperation = {
  readonly op: 'test' | 'add' | 'replace'
  readonly path: string
  readonly value: unknown
}

const webhooksOf = (configuration: unknown): readonly unknown[] => {
  const { webhooks } = objectAt(configuration)
  return Array.isArray(webhooks) ? webhooks : []
}

/**
 * What brings a configuration to the wanted CA bundle and paths, or undefined if it is there. All else in it belongs to
 * whoever applied it (a manifest, an overlay, GitOps): the leader would fight with them for ever.
 */
export function registrationPatch(
  current: unknown,
  wanted: unknown,
): readonly RegistrationOperation[] | undefined {
  const targets = new Map(
    webhooksOf(wanted).map((webhook) => [textAt(webhook, 'name'), objectAt(webhook, 'clientConfig')]),
  )
  const patch = webhooksOf(current).flatMap((webhook, index) => {
    const name = textAt(webhook, 'name')
    const target = targets.get(name)
    const changes =
      target === undefined
        ? []
        : changesOf(objectAt(webhook, 'clientConfig'), target, `/webhooks/${index}/clientConfig`)
    return changes.length === 0
      ? []
      : [{ op: 'test', path: `/webhooks/${index}/name`, value: name } as const, ...changes]
  })
  if (patch.length === 0) return undefined
  // What was read is what is changed: who was paused in between must not write what others have moved on from.
  const version = textAt(current, 'metadata', 'resourceVersion')
  const pinned =
    version === '' ? [] : [{ op: 'test', path: '/metadata/resourceVersion', value: version } as const]
  return [...pinned, ...patch]
}

/** The webhooks that are wanted and not there: no patch can mend this, somebody has to apply the manifests. */
export function missingWebhooks(current: unknown, wanted: unknown): readonly string[] {
  const present = new Set(webhooksOf(current).map((webhook) => textAt(webhook, 'name')))
  return webhooksOf(wanted)
    .map((webhook) => textAt(webhook, 'name'))
    .filter((name) => !present.has(name))
}

function changesOf(current: Json, wanted: Json, path: string): readonly RegistrationOperation[] {
  const byService = 'service' in current && 'service' in wanted
  // The name of the Service stays as it was applied: an overlay may have renamed it.
  if (!byService && textAt(current, 'url') !== textAt(wanted, 'url'))
    return [{ op: 'replace', path, value: wanted }]
  const changes: RegistrationOperation[] = []
  if (byService && textAt(current, 'service', 'path') !== textAt(wanted, 'service', 'path')) {
    changes.push({ op: 'add', path: `${path}/service/path`, value: textAt(wanted, 'service', 'path') })
  }
  // None wanted: it was given by somebody else (cert-manager, or a public authority).
  if ('caBundle' in wanted && textAt(current, 'caBundle') !== textAt(wanted, 'caBundle')) {
    changes.push({ op: 'add', path: `${path}/caBundle`, value: textAt(wanted, 'caBundle') })
  }
  return changes
}
