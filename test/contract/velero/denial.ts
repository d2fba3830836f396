/** Denies writes of Velero's by a policy, as a guard does, until it is lifted. */
import assert from 'node:assert/strict'
import { collections } from '../objects.ts'
import type { Plural, Velero } from './velero.ts'

/** What is denied: writes of what is so named, or, for a creation, of what a Schedule of that name makes. */
export type Denied = {
  readonly plural: Plural
  readonly name: string
  readonly operation: 'CREATE' | 'UPDATE'
}

const meant = ({ name, operation }: Denied): string =>
  operation === 'UPDATE'
    ? `object.metadata.name == '${name}'`
    : `object.metadata.?labels[?'velero.io/schedule-name'].orValue('') == '${name}'`

/** Denies from when this resolves; the given function lets go again, and ends when it has. */
export async function deny(velero: Velero, what: Denied): Promise<() => Promise<void>> {
  const { api } = velero
  const name = api.name('deny')
  await api.borrow(collections.policies, {
    metadata: { name },
    spec: {
      failurePolicy: 'Fail',
      matchConstraints: {
        resourceRules: [
          {
            apiGroups: ['velero.io'],
            apiVersions: ['v1'],
            operations: ['CREATE', 'UPDATE'],
            resources: [what.plural],
          },
        ],
      },
      validations: [
        { expression: `object.metadata.name != '${name}'`, message: 'canary' },
        { expression: `request.operation != '${what.operation}' || !(${meant(what)})`, message: 'held' },
      ],
    },
  } as { metadata: { name: string } })
  await api.borrow(collections.policyBindings, {
    metadata: { name },
    spec: {
      policyName: name,
      validationActions: ['Deny'],
      matchResources: {
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': velero.namespace } },
      },
    },
  } as { metadata: { name: string } })
  const acts = async (wanted: boolean): Promise<void> => {
    const path = `/apis/velero.io/v1/namespaces/${velero.namespace}/${what.plural}`
    const kind = { backups: 'Backup', restores: 'Restore' }[what.plural as string]
    const body = { apiVersion: 'velero.io/v1', kind, metadata: { name }, spec: {} }
    const answer = await api.post(path, body, { dryRun: 'All' })
    assert.equal(answer.status, wanted ? 422 : 201, answer.text)
  }
  await api.eventually(() => acts(true))
  return async () => {
    await api.delete(`${collections.policyBindings}/${name}`)
    await api.eventually(() => acts(false))
  }
}
