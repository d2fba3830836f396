/** Secrets, Leases, Events, Services and others: what is theirs alone. */
import assert from 'node:assert/strict'
import { about, inNamespace, rule } from '../case.ts'
import { answered, has, refused, says } from '../expected.ts'
import { configMap, deployment, lease, paths, secret } from '../objects.ts'

const event = (ns: string, more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Event',
  metadata: { name: 'a' },
  involvedObject: { apiVersion: 'v1', kind: 'ConfigMap', name: 'x', namespace: ns },
  reason: 'Seen',
  message: 'seen',
  type: 'Normal',
  ...more,
})

/** The rules. */
export const cases = about('built-in', [
  inNamespace('a Secret is Opaque unless told', async (api, ns) => {
    assert.equal(answered(await api.post(paths.secrets(ns), secret('a')), 201).type, 'Opaque')
  }),
  inNamespace('stringData of a Secret becomes data, over what is there, and is not kept', async (api, ns) => {
    const body = secret('a', { data: { x: 'eA==', y: 'eQ==' }, stringData: { x: 'new' } })
    const made = answered(await api.post(paths.secrets(ns), body), 201)
    assert.deepEqual(made.data, { x: 'bmV3', y: 'eQ==' })
    assert.equal(made.stringData, undefined)
  }),
  inNamespace('data of a Secret that is no base64 is a 400', async (api, ns) => {
    says(await api.post(paths.secrets(ns), secret('a', { data: { x: '*' } })), 400, [
      'BadRequest',
      'Secret in version "v1" cannot be handled as a Secret: illegal base64 data at input byte 0',
    ])
  }),
  inNamespace('a key of a Secret that is no file name is a 422', async (api, ns) => {
    says(await api.post(paths.secrets(ns), secret('a', { data: { 'a b': 'eA==' } })), 422, [
      'Invalid',
      "Secret \"a\" is invalid: data[a b]: Invalid value: \"a b\": a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
    ])
  }),
  inNamespace('a pull secret must be one', async (api, ns) => {
    says(await api.post(paths.secrets(ns), secret('a', { type: 'kubernetes.io/dockerconfigjson' })), 422, [
      'Invalid',
      'Secret "a" is invalid: data[.dockerconfigjson]: Required value',
    ])
  }),
  inNamespace('a TLS secret needs both parts', async (api, ns) => {
    const body = secret('a', { type: 'kubernetes.io/tls', stringData: { 'tls.crt': 'x' } })
    says(await api.post(paths.secrets(ns), body), 422, [
      'Invalid',
      'Secret "a" is invalid: data[tls.key]: Required value',
    ])
  }),
  inNamespace('a Secret of more than 1 MiB is a 422', async (api, ns) => {
    const body = secret('a', { stringData: { x: 'x'.repeat(1_048_577) } })
    says(await api.post(paths.secrets(ns), body), 422, [
      'Invalid',
      'Secret "a" is invalid: data: Too long: may not be more than 1048576 bytes',
    ])
  }),
  inNamespace('a body of more than 3 MiB is a 413', async (api, ns) => {
    const answer = await api.post(paths.configMaps(ns), configMap('a', { x: 'x'.repeat(3_200_000) }))
    says(answer, 413, ['RequestEntityTooLarge', /^Request entity too large: limit is 3145728$/])
  }),
  inNamespace('a key may not be in data and binaryData', async (api, ns) => {
    says(
      await api.post(paths.configMaps(ns), { ...configMap('a', { x: '' }), binaryData: { x: 'eA==' } }),
      422,
      [
        'Invalid',
        'ConfigMap "a" is invalid: data[x]: Invalid value: "x": duplicate of key present in binaryData',
      ],
    )
  }),
  inNamespace('a Lease keeps times to the microsecond', async (api, ns) => {
    const spec = {
      holderIdentity: 'me',
      leaseDurationSeconds: 15,
      acquireTime: '2026-01-02T03:04:05.678901Z',
    }
    const made = answered(await api.post(paths.leases(ns), lease('a', spec)), 201)
    assert.deepEqual(made.spec, spec)
  }),
  inNamespace('a time of a Lease must have six digits of a fraction', async (api, ns) => {
    says(await api.post(paths.leases(ns), lease('a', { renewTime: '2026-01-02T03:04:05Z' })), 400, [
      'BadRequest',
      'Lease in version "v1" cannot be handled as a Lease: parsing time "2026-01-02T03:04:05Z" as "2006-01-02T15:04:05.000000Z07:00": cannot parse "Z" as ".000000"',
    ])
  }),
  inNamespace('a time of a Lease that is none is a 400', async (api, ns) => {
    says(await api.post(paths.leases(ns), lease('a', { renewTime: 'now' })), 400, [
      'BadRequest',
      'Lease in version "v1" cannot be handled as a Lease: parsing time "now" as "2006-01-02T15:04:05.000000Z07:00": cannot parse "now" as "2006"',
    ])
  }),
  inNamespace('an Event is made and found by what it is about', async (api, ns) => {
    answered(await api.post(paths.events(ns), event(ns)), 201)
    const list = await api.get(paths.events(ns), { fieldSelector: 'involvedObject.name=x,reason=Seen' })
    assert.equal(answered(list, 200).items.length, 1)
    const none = await api.get(paths.events(ns), { fieldSelector: 'involvedObject.name=z' })
    assert.equal(answered(none, 200).items.length, 0)
  }),
  inNamespace('an Event about another namespace is a 422', async (api, ns) => {
    says(await api.post(paths.events(ns), event('other')), 422, [
      'Invalid',
      'Event "a" is invalid: involvedObject.namespace: Invalid value: "other": does not match event.namespace',
    ])
  }),
  inNamespace('an Event is the same object in both its groups', async (api, ns) => {
    const made = answered(await api.post(paths.events(ns), event(ns)), 201)
    const same = answered(await api.get(`/apis/events.k8s.io/v1/namespaces/${ns}/events/a`), 200)
    assert.equal(same.metadata.uid, made.metadata.uid)
    has(same, { note: 'seen', regarding: { name: 'x' }, apiVersion: 'events.k8s.io/v1' })
  }),
  inNamespace('an Event of events.k8s.io needs who, what and when', async (api, ns) => {
    const body = { apiVersion: 'events.k8s.io/v1', kind: 'Event', metadata: { name: 'a' }, type: 'Normal' }
    says(await api.post(`/apis/events.k8s.io/v1/namespaces/${ns}/events`, body), 422, [
      'Invalid',
      /eventTime: Required value/,
    ])
  }),
  inNamespace('a Deployment gets its defaults', async (api, ns) => {
    const { spec } = answered(await api.post(paths.deployments(ns), deployment('a')), 201)
    has(spec, {
      progressDeadlineSeconds: 600,
      revisionHistoryLimit: 10,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
      template: {
        spec: {
          restartPolicy: 'Always',
          dnsPolicy: 'ClusterFirst',
          schedulerName: 'default-scheduler',
          terminationGracePeriodSeconds: 30,
          securityContext: {},
          containers: [
            {
              name: 'a',
              image: 'a:1',
              imagePullPolicy: 'IfNotPresent',
              terminationMessagePath: '/dev/termination-log',
              terminationMessagePolicy: 'File',
              resources: {},
            },
          ],
        },
      },
    })
  }),
  inNamespace('a Deployment whose template does not match its selector is a 422', async (api, ns) => {
    const body = deployment('a')
    const answer = await api.post(paths.deployments(ns), {
      ...body,
      spec: { ...body.spec, selector: { matchLabels: { app: 'z' } } },
    })
    says(answer, 422, [
      'Invalid',
      'Deployment.apps "a" is invalid: spec.template.metadata.labels: Invalid value: {"app":"a"}: `selector` does not match template `labels`',
    ])
  }),
  inNamespace('two containers of one name are a 422', async (api, ns) => {
    const one = { name: 'a', image: 'a:1' }
    says(await api.post(paths.deployments(ns), deployment('a', [one, one])), 422, [
      'Invalid',
      'Deployment.apps "a" is invalid: spec.template.spec.containers[1].name: Duplicate value: "a"',
    ])
  }),
  inNamespace('a container without an image is a 422', async (api, ns) => {
    says(await api.post(paths.deployments(ns), deployment('a', [{ name: 'a' }])), 422, [
      'Invalid',
      'Deployment.apps "a" is invalid: spec.template.spec.containers[0].image: Required value',
    ])
  }),
  inNamespace(
    'every problem of volumes, mounts and names of a pod template is told in one 422',
    async (api, ns) => {
      const body = deployment('a')
      const volume = { name: 'v', emptyDir: {} }
      const mounts = [{ name: 'v', mountPath: '/p' }, { name: 'v', mountPath: '/p' }, { name: 'v' }]
      const spec = {
        containers: [{ name: 'a', image: 'a:1', volumeMounts: mounts }],
        initContainers: [
          { name: 'i', image: 'i:1', volumeMounts: [{ name: 'nope', mountPath: '/target' }] },
          { name: 'a', image: 'i:1' },
          { name: 'i', image: 'i:1' },
        ],
        volumes: [volume, volume],
      }
      const { metadata } = body.spec.template
      const answer = await api.post(paths.deployments(ns), {
        ...body,
        spec: { ...body.spec, template: { metadata, spec } },
      })
      const pod = 'spec.template.spec'
      says(answer, 422, [
        'Invalid',
        `Deployment.apps "a" is invalid: [${[
          `${pod}.volumes[1].name: Duplicate value: "v"`,
          `${pod}.containers[0].volumeMounts[1].mountPath: Invalid value: "/p": must be unique`,
          `${pod}.containers[0].volumeMounts[2].mountPath: Required value`,
          `${pod}.initContainers[0].volumeMounts[0].name: Not found: "nope"`,
          `${pod}.initContainers[1].name: Duplicate value: "a"`,
          `${pod}.initContainers[2].name: Duplicate value: "i"`,
        ].join(', ')}]`,
      ])
    },
  ),
  inNamespace('the scale of a Deployment is read and written', async (api, ns) => {
    answered(await api.post(paths.deployments(ns), deployment('a')), 201)
    const path = `${paths.deployments(ns, 'a')}/scale`
    const scale = answered(await api.get(path), 200)
    has(scale, { kind: 'Scale', apiVersion: 'autoscaling/v1', spec: {}, status: { selector: 'app=a' } })
    answered(await api.patch(path, { spec: { replicas: 0 } }, { type: 'merge' }), 200)
  }),
  inNamespace('a Role takes rules, and refuses one without verbs', async (api, ns) => {
    const rules = [{ apiGroups: [''], resources: ['pods'], verbs: [] }]
    says(await api.post(paths.roles(ns), { metadata: { name: 'a' }, rules }), 422, [
      'Invalid',
      'Role.rbac.authorization.k8s.io "a" is invalid: rules[0].verbs: Required value: verbs must contain at least one value',
    ])
  }),
  inNamespace('the role of a binding may not change', async (api, ns) => {
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' }
    const body = { metadata: { name: 'a' }, roleRef, subjects: [{ kind: 'User', name: 'u' }] }
    const made = answered(await api.post(paths.bindings(ns), body), 201)
    assert.equal(made.subjects[0].apiGroup, 'rbac.authorization.k8s.io')
    const other = { ...made, roleRef: { ...roleRef, name: 'edit' } }
    says(await api.put(paths.bindings(ns, 'a'), other), 422, [
      'Invalid',
      /^RoleBinding\.rbac\.authorization\.k8s\.io "a" is invalid: roleRef: Invalid value: .*: cannot change roleRef$/,
    ])
  }),
  rule('a namespace that is there is a 409', async (api) => {
    const ns = await api.namespace()
    refused(await api.post('/api/v1/namespaces', { metadata: { name: ns } }), {
      code: 409,
      reason: 'AlreadyExists',
      message: `namespaces "${ns}" already exists`,
      details: { name: ns, kind: 'namespaces' },
    })
  }),
  rule('a namespace is a DNS label', async (api) => {
    says(await api.post('/api/v1/namespaces', { metadata: { name: 'a.b' } }), 422, [
      'Invalid',
      'Namespace "a.b" is invalid: metadata.name: Invalid value: "a.b": must not contain dots',
    ])
  }),
  rule('the label that names a namespace cannot be another', async (api) => {
    const ns = await api.namespace({ 'kubernetes.io/metadata.name': 'other' })
    const { metadata } = answered(await api.get(`/api/v1/namespaces/${ns}`), 200)
    assert.equal(metadata.labels['kubernetes.io/metadata.name'], ns)
  }),
  inNamespace('a ServiceAccount gives a token that is itself', async (api, ns) => {
    answered(await api.post(paths.serviceAccounts(ns), { metadata: { name: 'sa' } }), 201)
    const body = { spec: { expirationSeconds: 600 } }
    const made = answered(await api.post(`${paths.serviceAccounts(ns, 'sa')}/token`, body), 201)
    const review = await api.request('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', {
      body: {},
      token: made.status.token,
    })
    assert.equal(answered(review, 201).status.userInfo.username, `system:serviceaccount:${ns}:sa`)
  }),
])
