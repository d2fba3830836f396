/** Which views there are, and in which namespaces somebody may see them. */
import type { DashboardPorts, Viewer } from './ports.ts'

/** What can be looked at: each is a kind that must be listable. */
export const views = {
  decisions: { group: 'tidewaiter.io', resource: 'admissiondecisions' },
  runs: { group: 'tidewaiter.io', resource: 'actionruns' },
  actions: { group: 'tidewaiter.io', resource: 'actions' },
  plugins: { group: 'tidewaiter.io', resource: 'veleroplugins' },
  backups: { group: 'velero.io', resource: 'backups' },
  restores: { group: 'velero.io', resource: 'restores' },
  schedules: { group: 'velero.io', resource: 'schedules' },
} as const

/** One of them. */
export type View = keyof typeof views

/** The views of Backups and Restores. */
export const viewOf = { Backup: 'backups', Restore: 'restores' } as const

/** Somebody who looks, and what they may see. */
export type Visitor = {
  readonly name: string
  /** Whether there is a session that can be ended. */
  readonly hasSession: boolean
  /** When this must be asked anew, milliseconds. */
  readonly until: number
  /** The namespaces in which they may see it; no answer is no. */
  readonly sees: (view: View) => Promise<readonly string[]>
}

/** What the visitor may see, asked of the API server; `viewer` undefined: everybody may see everything. */
export function seeing(
  { known, may, log }: Pick<DashboardPorts, 'known' | 'may' | 'log'>,
  viewer: Viewer | undefined,
): Visitor['sees'] {
  return async (view) => {
    const namespaces = known.map(({ namespace }) => namespace)
    if (viewer === undefined) return namespaces
    const allowed = await Promise.all(
      namespaces.map((namespace) =>
        may(viewer, { verb: 'list', ...views[view], namespace }).catch((err: unknown) => {
          log.warn({ err, view, namespace }, 'whether somebody may look could not be asked: they may not')
          return false
        }),
      ),
    )
    return namespaces.filter((_, i) => allowed[i] === true)
  }
}

/** A text as one word of a POSIX shell. */
const shellWord = (text: string): string =>
  /^[A-Za-z0-9@%+=:,./_-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`

/** Service accounts are named another way than users. */
function subjectFlag(user: string): string {
  const [system, kind, namespace, name, more] = user.split(':')
  return system === 'system' && kind === 'serviceaccount' && name !== undefined && more === undefined
    ? `--serviceaccount=${shellWord(`${namespace ?? ''}:${name}`)}`
    : `--user=${shellWord(user)}`
}

/** Of its own for each user: what is there already binds somebody else. `/` and `%` may not stand in the name of a binding. */
const bindingOf = (role: string, user: string): string =>
  shellWord(`${role}:${user.replaceAll(/[/%]/g, '-')}`.slice(0, 253))

/** The commands that let somebody see a view; they may be run again. */
export function grantOf(view: View, user: string, namespace: string): readonly string[] {
  const { group, resource } = views[view]
  const bound = (role: string, kind: 'clusterrole' | 'role') =>
    `kubectl create rolebinding ${bindingOf(role, user)} --${kind}=${role} ${subjectFlag(user)} -n ${namespace}`
  if (group === 'tidewaiter.io') return [bound('tidewaiter-viewer', 'clusterrole')]
  const role = `tidewaiter-sees-${resource}`
  return [
    // Somebody else may have been granted it before.
    `kubectl create role ${role} --verb=list --resource=${resource}.${group} -n ${namespace} --dry-run=client -o yaml | kubectl apply -f -`,
    bound(role, 'role'),
  ]
}
