/** What the option pinned-plugins refuses and lets pass: asked of the sandbox's API server here, and of a real one in test/e2e. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { pinnedPluginsOf } from '../../src/core/pinned-plugins.ts'
import { charted, installed, withPodSpec, type Tree } from '../support/velero-deployments.ts'

/** A call by an administrator. */
export type Ask = (
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  path: string,
  body?: unknown,
  // oxlint-disable-next-line typescript/no-explicit-any -- answers are looked into
) => Promise<{ readonly status: number; readonly body: any }>

const digest = `sha256:${'1'.repeat(64)}`
const aws = 'velero/velero-plugin-for-aws:v1.14.0'
const onTarget = [{ name: 'plugins', mountPath: '/target' }]
const having = (...initContainers: readonly Tree[]): Tree =>
  withPodSpec(charted, (pod) => ({ ...pod, initContainers }))
const inner = (image: string, volumeMounts: readonly Tree[] = onTarget, name = 'one'): Tree => ({
  name,
  image,
  volumeMounts,
})
const relabelled = (labels: Tree): Tree => ({ ...installed, metadata: { ...installed['metadata'], labels } })

type Case = { readonly object: Tree; readonly before?: Tree; readonly refused?: RegExp }
const cases: Readonly<Record<string, Case>> = {
  'a Deployment of the chart without plugins': { object: charted },
  'one with the AWS plugin by tag': {
    object: installed,
    refused:
      /initContainers velero-velero-plugin-for-aws would bring plugins to Velero by images that are not pinned.*@sha256.*gate=off/,
  },
  'one with the AWS plugin by digest': { object: having(inner(`${aws}@${digest}`)) },
  'two, of which one is not pinned': {
    object: having(inner(`${aws}@${digest}`), inner('ghcr.io/other/thing:2', onTarget, 'other-thing')),
    refused: /initContainers other-thing would/,
  },
  'a digest that is too short': {
    object: having(inner(`${aws}@sha256:11`)),
    refused: /initContainers one would/,
  },
  'a digest with something after it': {
    object: having(inner(`${aws}@${digest}0`)),
    refused: /initContainers one would/,
  },
  'an initContainer that brings nothing': {
    object: having(inner('busybox:1', [{ name: 'scratch', mountPath: '/scratch' }]), {
      name: 'two',
      image: 'b:1',
    }),
  },
  'one that mounts the volume elsewhere': {
    object: having(inner('busybox:1', [{ name: 'plugins', mountPath: '/elsewhere' }])),
    refused: /initContainers one would/,
  },
  'one that mounts another volume at the target': {
    object: having(inner('busybox:1', [{ name: 'scratch', mountPath: '/target/' }])),
    refused: /initContainers one would/,
  },
  'a Deployment without a server': {
    object: withPodSpec(installed, (pod) => ({
      ...pod,
      containers: [{ ...pod['containers'][0], name: 'ui' }],
    })),
  },
  'a Deployment with another label': { object: relabelled({ component: 'other' }) },
  'a change of replicas of one that is not pinned': {
    before: installed,
    object: { ...installed, spec: { ...installed['spec'], revisionHistoryLimit: 3 } },
  },
  'another image of Velero in one that is not pinned': {
    before: installed,
    object: withPodSpec(installed, (pod) => ({
      ...pod,
      containers: [{ ...pod['containers'][0], image: 'velero/velero:v1.19.0' }],
    })),
    refused: /initContainers velero-velero-plugin-for-aws would/,
  },
  'one that is not pinned loses its label and changes': {
    before: installed,
    object: withPodSpec(relabelled({}), (pod) => ({ ...pod, terminationGracePeriodSeconds: 5 })),
    refused: /initContainers velero-velero-plugin-for-aws would/,
  },
}

/** Puts every case to an API server, in a namespace in which nothing else is. */
export async function pinnedPluginsSuite(t: Test, ask: Ask, namespace: string): Promise<void> {
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments`
  const policies = '/apis/admissionregistration.k8s.io/v1'
  const named = (object: Tree, name: string): Tree => ({
    ...object,
    metadata: { ...object['metadata'], name, namespace },
    // No pod of it is wanted.
    spec: { ...object['spec'], replicas: 0 },
  })
  const all = Object.entries(cases).map(([name, one], index) => ({ name, at: `velero-${index}`, ...one }))
  for (const { before, at } of all)
    if (before !== undefined) t.match(await ask('POST', path, named(before, at)), { status: 201 })
  for (const policy of pinnedPluginsOf([namespace])) {
    const plural = policy.kind.endsWith('Binding')
      ? 'validatingadmissionpolicybindings'
      : 'validatingadmissionpolicies'
    t.teardown(() => ask('DELETE', `${policies}/${plural}/${policy.metadata.name}`))
    t.match(await ask('POST', `${policies}/${plural}`, policy), { status: 201 })
  }
  const isClosed = async () =>
    (await ask('POST', `${path}?dryRun=All`, named(installed, 'canary'))).status === 403
  for (let tries = 0; tries < 100 && !(await isClosed()); tries += 1) await sleep(100)
  for (const { name, at, object, before, refused } of all)
    t.test(`${name}: ${refused === undefined ? 'passes' : 'is refused'}`, async (t) => {
      const answer =
        before === undefined
          ? await ask('POST', path, named(object, at))
          : await ask('PUT', `${path}/${at}`, named(object, at))
      if (refused === undefined) return void t.ok(answer.status < 300, JSON.stringify(answer.body))
      t.equal(answer.status, 403, JSON.stringify(answer.body))
      t.match(answer.body.message, refused)
    })
}
