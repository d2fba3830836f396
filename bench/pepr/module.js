/**
 * A module of pepr that decides as tidewaiter does: a Backup that is created is allowed as it is, after the action that its label asks for. Started
 * as pepr's controller starts a module: with SSL_CERT_PATH, SSL_KEY_PATH, PEPR_API_PATH and KUBECONFIG; it listens on PORT, and its action is a POST to ACTION_URL.
 */
import { Capability, PeprModule, RegisterKind, a } from 'pepr'

class Backup extends a.GenericKind {}
RegisterKind(Backup, { group: 'velero.io', version: 'v1', kind: 'Backup', plural: 'backups' })

const backups = new Capability({ name: 'backups', description: 'Backups of Velero', namespaces: [] })
const created = () => backups.When(Backup).IsCreated()
const action = process.env.ACTION_URL
const hasAction = (request) => request.Raw.metadata?.labels?.bench === 'act'
const startsWork = (request) => ['', 'New'].includes(request.Raw.status?.phase ?? '')

created().Mutate((request) => void startsWork(request))
created().Validate(async (request) => {
  if (!startsWork(request) || !hasAction(request)) return request.Approve()
  const answer = await fetch(action, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: request.Raw.metadata.name }),
  })
  await answer.arrayBuffer()
  return answer.ok ? request.Approve() : request.Deny(`the action answered with ${answer.status}`)
})

const settings = {
  uuid: 'bench',
  onError: 'reject',
  webhookTimeout: 10,
  alwaysIgnore: { namespaces: [] },
  includedFiles: [],
}
const module = new PeprModule({ description: 'bench', pepr: settings }, [backups], { deferStart: true })
module.start(Number(process.env.PORT))
