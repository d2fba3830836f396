/** What a call is for, by what goes over the wire. */
import t from 'tap'
import { admissionSite, siteOf, type Wire } from './sites.ts'

const own = '/apis/tidewaiter.io/v1beta1/namespaces/velero/actionruns'
const velero = '/apis/velero.io/v1/namespaces/velero/backups'
const rows = [
  { name: '10-freeze-l01', phase: 'Succeeded', undo: { phase: 'Undoing' } },
  { name: '20-check-l01', phase: 'Failed' },
]
const call = (method: string, url: string, body?: unknown): Wire => ({ method, url, body })

const cases: Readonly<Record<string, readonly [Wire, object]>> = {
  'a watch of a kind is about the process': [
    call('GET', `${own}?watch=true&resourceVersion=7`),
    { site: 'watch actionruns', reads: true, about: undefined },
  ],
  'a list is not a get': [call('GET', '/api/v1/nodes?limit=100'), { site: 'list nodes', reads: true }],
  'a namespace is got': [call('GET', '/api/v1/namespaces/kube-system'), { site: 'get namespaces' }],
  'a run that is created is named in the body': [
    call('POST', own, { metadata: { name: 'b1-5ac2e1f0-prebackup' } }),
    { site: 'create actionruns PreBackup', about: { by: 'run', name: 'b1-5ac2e1f0-prebackup' } },
  ],
  'a write of a record says what is written, whatever lane the actions are of': [
    call('PUT', `${own}/b1-5ac2e1f0-prebackup/status`, { status: { phase: 'Undoing', actions: rows } }),
    {
      site: 'update actionruns/status PreBackup Undoing 10-freeze:Succeeded/Undoing 20-check:Failed',
      reads: false,
      about: { by: 'run', name: 'b1-5ac2e1f0-prebackup' },
    },
  ],
  'a patch that lifts a hold says so': [
    call('PATCH', `${velero}/b1`, {
      metadata: { annotations: { 'tidewaiter.io/hold': null, 'tidewaiter.io/pre': '{}' } },
    }),
    { site: 'patch backups +pre -hold', about: { by: 'object', name: 'b1' } },
  ],
  'what the service itself creates of Velero is the canary': [
    call('POST', `${velero}?dryRun=All`, { metadata: { name: 'tidewaiter-guard-canary' } }),
    { site: 'create backups canary', about: undefined },
  ],
  'the Lease of the election is about the process': [
    call('PATCH', '/apis/coordination.k8s.io/v1/namespaces/velero/leases/tidewaiter-dev-1a-leader', {}),
    { site: 'patch leases leader', about: undefined },
  ],
  'the Lease of a key is about whose it is': [
    call('DELETE', '/apis/coordination.k8s.io/v1/namespaces/velero/leases/tidewaiter-exclusive-ab'),
    { site: 'delete leases exclusive', about: { by: 'lease', name: 'tidewaiter-exclusive-ab' } },
  ],
  'who asks for a key says for whom': [
    call('POST', '/apis/coordination.k8s.io/v1/namespaces/velero/leases', {
      metadata: { name: 'tidewaiter-exclusive-ab' },
      spec: { holderIdentity: 'uid-1' },
    }),
    { site: 'create leases exclusive', about: { by: 'holder', name: 'uid-1' } },
  ],
  'what an action does to the object of its lane is told apart, and whether it only asks': [
    call('PATCH', '/apis/apps/v1/namespaces/shop/deployments/target-l03/scale?dryRun=All', {}),
    { site: 'act patch deployments/scale dry', about: { by: 'target', name: 'target-l03' } },
  ],
  'a watch of the one object of a lane is about it': [
    call('GET', '/api/v1/namespaces/shop/configmaps?watch=true&fieldSelector=metadata.name%3Dtarget-l03'),
    { site: 'act watch configmaps', reads: true, about: { by: 'target', name: 'target-l03' } },
  ],
  'an Event says its reason, and what it regards': [
    call('POST', '/api/v1/namespaces/velero/events', { reason: 'Held', involvedObject: { name: 'b1' } }),
    { site: 'create events Held', about: { by: 'object', name: 'b1' } },
  ],
}

for (const [name, [wire, want]] of Object.entries(cases))
  t.test(name, async (t) => {
    t.match(siteOf(wire), want)
  })

const asked = (route: string, resource: string, more: object = {}): Wire =>
  call('POST', `/0123456789abcdef/${route}?timeout=30s`, {
    kind: 'AdmissionReview',
    request: { resource: { resource }, name: '', object: { metadata: { name: 'b1' } }, ...more },
  })

t.test('what the API server asks is named by the webhook, and by what it is about', async (t) => {
  const about = { by: 'object', name: 'b1' }
  t.same(admissionSite(asked('backups', 'backups')), { site: 'admit backups', reads: false, about })
  t.match(admissionSite(asked('hold', 'restores')), { site: 'admit hold restores', about })
  t.match(admissionSite(asked('backups', 'backups', { dryRun: true })), { site: 'admit backups dry' })
  t.match(admissionSite(asked('author', 'actions', { name: '10-freeze-l01' })), {
    site: 'admit author actions',
    about: { by: 'action', name: '10-freeze-l01' },
  })
  t.same(admissionSite(asked('deployments', 'deployments')), { site: 'admit deployments', reads: false })
})
