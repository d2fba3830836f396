/** Who may log in beside `admin`: Velero's account, and a person with the rights of an ordinary user. */
import { randomBytes } from 'node:crypto'
import type { Grant, TokenUser } from './apiserver/authn/users.ts'
import { veleroUser } from './velero/install.ts'

const read = ['get', 'list', 'watch']
const write = [...read, 'create', 'update', 'patch', 'delete']

// Neither skip nor use nor release, and no status of Backups: what needs those is refused to her.
const ofAlice: readonly Grant[] = [
  {
    verbs: write,
    groups: ['velero.io'],
    resources: [
      'backups',
      'restores',
      'schedules',
      'deletebackuprequests',
      'downloadrequests',
      'serverstatusrequests',
    ],
    namespaces: ['velero'],
  },
  { verbs: read, groups: ['velero.io'], resources: ['*'], namespaces: ['velero'] },
  { verbs: write, groups: ['tidewaiter.io'], resources: ['actions'], namespaces: ['velero'] },
  { verbs: read, groups: ['tidewaiter.io'], resources: ['*'], namespaces: ['velero'] },
  { verbs: read, groups: [''], resources: ['events'], namespaces: ['velero'] },
  { verbs: read, groups: [''], resources: ['namespaces'] },
  { verbs: read, groups: ['apiextensions.k8s.io'], resources: ['customresourcedefinitions'] },
]

/** The users, with tokens that are new each time. */
export function people(): readonly TokenUser[] {
  return [
    { name: veleroUser, token: newToken() },
    { name: 'alice', token: newToken(), groups: ['developers'], grants: ofAlice },
  ]
}

/** A token that nobody can guess. */
export const newToken = (): string => randomBytes(24).toString('base64url')
