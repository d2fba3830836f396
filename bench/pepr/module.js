/**
 * A module of pepr that decides as tidewaiter does where nothing is to be run: a Backup that is created is allowed as it is. Started
 * as pepr's controller starts a module: with SSL_CERT_PATH, SSL_KEY_PATH, PEPR_API_PATH and KUBECONFIG; it listens on PORT.
 */
import { Capability, PeprModule, RegisterKind, a } from 'pepr'

class Backup extends a.GenericKind {}
RegisterKind(Backup, { group: 'velero.io', version: 'v1', kind: 'Backup', plural: 'backups' })

const backups = new Capability({ name: 'backups', description: 'Backups of Velero', namespaces: [] })
const created = () => backups.When(Backup).IsCreated()
const action = process.env.ACTION_URL
const startsWork = (request) => ['', 'New'].includes(request.Raw.status?.phase ?? '')

created().Mutate((request) => void startsWork(request))
created().Validate(async (request) => {
  if (!startsWork(request) || action === undefined) return request.Approve()
  const answer = await fetch(action, {
    method: 'POST',
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
