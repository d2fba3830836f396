/** The scale subresource, and the autoscalers that use it. */
import assert from 'node:assert/strict'
import { about, inNamespace } from '../case.ts'
import { answered, has, says } from '../expected.ts'
import { deployment, paths } from '../objects.ts'

const merge = { type: 'merge' } as const

const autoscaler = (spec: object = {}) => ({
  apiVersion: 'autoscaling/v2',
  kind: 'HorizontalPodAutoscaler',
  metadata: { name: 'a' },
  spec: {
    scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'a' },
    maxReplicas: 5,
    ...spec,
  },
})

/** The rules. */
export const cases = about('scale', [
  inNamespace('0 replicas are not written in the spec of a scale', async (api, ns) => {
    answered(await api.post(paths.deployments(ns), deployment('a')), 201)
    const path = `${paths.deployments(ns, 'a')}/scale`
    const scaled = answered(await api.patch(path, { spec: { replicas: 0 } }, merge), 200)
    assert.deepEqual(scaled.spec, {})
    assert.equal(answered(await api.get(paths.deployments(ns, 'a')), 200).spec.replicas, 0)
    const back = answered(await api.patch(path, { spec: { replicas: 3 } }, merge), 200)
    assert.deepEqual(back.spec, { replicas: 3 })
  }),
  inNamespace('a scale that names an older version is a conflict', async (api, ns) => {
    const made = answered(await api.post(paths.deployments(ns), deployment('a')), 201)
    const path = `${paths.deployments(ns, 'a')}/scale`
    answered(await api.patch(path, { spec: { replicas: 2 } }, merge), 200)
    const { resourceVersion } = made.metadata
    says(await api.patch(path, { metadata: { resourceVersion }, spec: { replicas: 0 } }, merge), 409, [
      'Conflict',
      'Operation cannot be fulfilled on deployments.apps "a": the object has been modified; please apply your changes to the latest version and try again',
    ])
  }),
  inNamespace('a scale that names the version of now is written', async (api, ns) => {
    answered(await api.post(paths.deployments(ns), deployment('a')), 201)
    const path = `${paths.deployments(ns, 'a')}/scale`
    await api.eventually(async () => {
      // Where there is a controller, the Deployment has just got a new version.
      const { resourceVersion } = answered(await api.get(path), 200).metadata
      const body = { metadata: { resourceVersion }, spec: { replicas: 0 } }
      answered(await api.patch(path, body, merge), 200)
    })
  }),
  inNamespace('a scale that names another uid is a conflict', async (api, ns) => {
    answered(await api.post(paths.deployments(ns), deployment('a')), 201)
    const path = `${paths.deployments(ns, 'a')}/scale`
    says(await api.patch(path, { metadata: { uid: 'b' }, spec: { replicas: 0 } }, merge), 409, [
      'Conflict',
      /^Operation cannot be fulfilled on deployments\/scale\.apps "a": Precondition failed: UID in precondition: b, UID in object meta: /,
    ])
  }),
  inNamespace('a negative scale is a 422', async (api, ns) => {
    answered(await api.post(paths.deployments(ns), deployment('a')), 201)
    const path = `${paths.deployments(ns, 'a')}/scale`
    says(await api.patch(path, { spec: { replicas: -1 } }, merge), 422, [
      'Invalid',
      'Scale.autoscaling "a" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0',
    ])
  }),
  inNamespace('a dry run of a scale answers with what would be, and changes nothing', async (api, ns) => {
    answered(await api.post(paths.deployments(ns), deployment('a')), 201)
    const path = `${paths.deployments(ns, 'a')}/scale`
    const told = answered(await api.patch(`${path}?dryRun=All`, { spec: { replicas: 4 } }, merge), 200)
    assert.deepEqual(told.spec, { replicas: 4 })
    assert.notEqual(answered(await api.get(path), 200).spec.replicas, 4)
  }),
  inNamespace(
    'the scale of what is not there is a 404, and so is that of a kind without one',
    async (api, ns) => {
      says(await api.get(`${paths.deployments(ns, 'a')}/scale`), 404, [
        'NotFound',
        'deployments.apps "a" not found',
      ])
      says(await api.get(`/apis/apps/v1/namespaces/${ns}/daemonsets/a/scale`), 404, [
        'NotFound',
        'the server could not find the requested resource',
      ])
    },
  ),
  inNamespace('an autoscaler has defaults', async (api, ns) => {
    const made = answered(await api.post(paths.autoscalers(ns), autoscaler()), 201)
    has(made.spec, {
      minReplicas: 1,
      metrics: [
        {
          type: 'Resource',
          resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } },
        },
      ],
    })
    assert.deepEqual(
      answered(await api.get(paths.autoscalers(ns)), 200).items.map(
        (one: { metadata: { name: string } }) => one.metadata.name,
      ),
      ['a'],
    )
  }),
  inNamespace('the bounds of an autoscaler are in order, and at least 1', async (api, ns) => {
    says(await api.post(paths.autoscalers(ns), autoscaler({ minReplicas: 6 })), 422, [
      'Invalid',
      'HorizontalPodAutoscaler.autoscaling "a" is invalid: spec.maxReplicas: Invalid value: 5: must be greater than or equal to `minReplicas`',
    ])
    says(await api.post(paths.autoscalers(ns), autoscaler({ minReplicas: 0, maxReplicas: 0 })), 422, [
      'Invalid',
      'HorizontalPodAutoscaler.autoscaling "a" is invalid: [spec.minReplicas: Invalid value: 0: must be greater than or equal to 1, spec.maxReplicas: Required value: must be set and greater than 0, spec.metrics: Forbidden: must specify at least one Object or External metric to support scaling to zero replicas]',
    ])
  }),
  inNamespace('an autoscaler targets a kind of a group by its name', async (api, ns) => {
    const target = { apiVersion: '', kind: '', name: 'a/b' }
    says(await api.post(paths.autoscalers(ns), autoscaler({ scaleTargetRef: target })), 422, [
      'Invalid',
      'HorizontalPodAutoscaler.autoscaling "a" is invalid: [spec.scaleTargetRef.kind: Required value, spec.scaleTargetRef.name: Invalid value: "a/b": may not contain \'/\', spec.scaleTargetRef.apiVersion: Invalid value: "": apiVersion must specify API group]',
    ])
  }),
])
