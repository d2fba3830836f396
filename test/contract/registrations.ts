/** Registers webhooks and policies for one namespace, and waits until they act. */
import assert from 'node:assert/strict'
import type { Api } from './api.ts'
import type { Json } from './http.ts'
import { collections, configMap, paths } from './objects.ts'
import { canaryLabel, type Hook } from './webhook-server.ts'

/** One webhook of a registration: a hook, and any field of its entry. */
export type Entry = { readonly hook: Hook; readonly name?: string; readonly [field: string]: Json }

const onConfigMaps = [
  { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['configmaps'] },
]
const only = (ns: string) => ({ matchLabels: { 'kubernetes.io/metadata.name': ns } })

const entryOf = (ns: string, { hook, ...fields }: Entry) => ({
  name: 'hook.example.com',
  clientConfig: hook.clientConfig,
  rules: onConfigMaps,
  namespaceSelector: only(ns),
  admissionReviewVersions: ['v1'],
  sideEffects: 'None',
  timeoutSeconds: 5,
  ...fields,
})

/** Registers webhooks in this order and waits until they are asked; on creation of ConfigMaps unless an entry says else. */
export async function register(
  api: Api,
  kind: 'validating' | 'mutating',
  { ns, entries }: { readonly ns: string; readonly entries: readonly Entry[] },
): Promise<string> {
  const name = api.name(kind)
  const canary = api.name('canary')
  // All entries of a registration begin to act at once: one more, for the canary alone, tells when.
  const ready = entryOf(ns, {
    hook: api.ready,
    name: 'ready.example.com',
    objectSelector: { matchLabels: { [canaryLabel]: canary } },
  })
  await api.borrow(collections[kind], {
    metadata: { name },
    webhooks: [...entries.map((entry) => entryOf(ns, entry)), ready],
  } as { metadata: { name: string } })
  await untilRefused(api, ns, canary)
  return name
}

async function untilRefused(api: Api, ns: string, canary: string): Promise<void> {
  const body = configMap(canary, {}, { labels: { [canaryLabel]: canary } })
  await api.eventually(async () => {
    const answer = await api.post(paths.configMaps(ns), body, { dryRun: 'All' })
    assert.ok(answer.status >= 400 || answer.warnings.length > 0, `not acting yet: ${answer.status}`)
  })
}

/** What a policy of a case says beside what it matches. */
export type Policy = {
  readonly validations: readonly Json[]
  readonly binding?: Json
  readonly [field: string]: Json
}

// A policy is compiled and bound some time after it was written: this denies its canary as soon as it acts.
const canaryValidation = (name: string) => ({
  expression: `object == null || !has(object.metadata.labels) || !('${canaryLabel}' in object.metadata.labels) || object.metadata.labels['${canaryLabel}'] != '${name}'`,
  message: 'canary',
})

/** Makes a ValidatingAdmissionPolicy with a binding to one namespace and waits until it acts; gives their name. */
export async function enforce(api: Api, ns: string, policy: Policy): Promise<string> {
  const name = api.name('policy')
  const { validations, binding = {}, ...spec } = policy
  await api.borrow(collections.policies, {
    metadata: { name },
    spec: {
      failurePolicy: 'Fail',
      matchConstraints: { resourceRules: onConfigMaps },
      ...spec,
      validations: [canaryValidation(name), ...validations],
    },
  } as { metadata: { name: string } })
  await api.borrow(collections.policyBindings, {
    metadata: { name },
    spec: {
      policyName: name,
      validationActions: ['Deny'],
      matchResources: { namespaceSelector: only(ns) },
      ...binding,
    },
  } as { metadata: { name: string } })
  await untilRefused(api, ns, name)
  return name
}
