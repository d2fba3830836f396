/** Whether an action could work at this moment: its account and the rights of it, the kinds that it aims at, its exclusive key. */
import type { Foresight } from '../admission/foresee.ts'
import type { Foreseen } from '../admission/foreseen.ts'
import type { ActionSpec } from '../api/action.ts'
import type { PlannedAction } from '../api/action-run.ts'
import { accountGroups, usernameOf } from '../core/author.ts'
import { keyOf } from '../core/hold/keys.ts'
import { needsOf, type Need } from '../core/rights.ts'
import { specOf } from '../core/run/rows.ts'
import type { Deed, Subject } from '../kube/access-review.ts'
import { resourceText, type ServedKind } from '../kube/discovery.ts'
import type { Known } from './plan-probe.ts'

/** One thing as it is now. */
export type Now = {
  /** waits: it stands in the way, and the action would wait for it. unknown: this user may not look. */
  readonly found: 'yes' | 'no' | 'waits' | 'unknown'
  readonly said: string
}

/** What looking takes; all of it is asked as this user. */
export type NowPorts = {
  readonly hasAccount: (namespace: string, name: string) => Promise<Known<boolean>>
  readonly may: (subject: Subject, deed: Deed) => Promise<Known<boolean>>
  /** The kind as it is served, or in words that it is not. */
  readonly served: (need: Need) => Promise<Known<ServedKind | string>>
  /** Who has an exclusive key; undefined if nobody has. */
  readonly holder: (namespace: string, key: string) => Promise<Known<string | undefined>>
}

/** Looks for every action that would be done. */
export async function nowOf(
  { before, after, way }: Pick<Foresight, 'before' | 'after' | 'way'>,
  namespace: string,
  ports: NowPorts,
): Promise<ReadonlyMap<PlannedAction, readonly Now[]>> {
  const found = new Map<PlannedAction, readonly Now[]>()
  const done = (row: Foreseen) => row.does !== 'skip' && !(row.does === 'fail' && row.cause === 'account')
  for (const { action } of before.filter(done)) {
    const spec = specOf(action)
    const key = spec.dryRun ? undefined : keyOf(action.name, spec)
    const keys = key === undefined ? [] : await keyNow(key, { namespace, waits: way.hold }, ports)
    found.set(action, [...(await accountNow(spec, namespace, ports)), ...keys])
  }
  for (const { action } of after.filter(done))
    found.set(action, await accountNow(specOf(action), namespace, ports))
  return found
}

async function keyNow(
  key: string,
  { namespace, waits }: { readonly namespace: string; readonly waits: boolean },
  ports: NowPorts,
): Promise<readonly Now[]> {
  const holder = await ports.holder(namespace, key)
  if ('unknown' in holder)
    return [{ found: 'unknown', said: `whether the exclusive key "${key}" is taken: ${holder.unknown}` }]
  if (holder.ok === undefined) return []
  const taken = `the exclusive key "${key}" is taken by ${holder.ok}`
  return waits
    ? [{ found: 'waits', said: `${taken}; it would wait until that gives it back` }]
    : [{ found: 'no', said: `${taken}; it would be refused until that gives it back` }]
}

async function accountNow(spec: ActionSpec, namespace: string, ports: NowPorts): Promise<readonly Now[]> {
  const { serviceAccountName: name } = spec
  // A wait that is only tried out calls nobody.
  if (name === undefined || (spec.dryRun && spec.wait !== undefined)) return []
  const account = `ServiceAccount ${namespace}/${name}`
  const there = await ports.hasAccount(namespace, name)
  const rights: Known<string | undefined>[] = []
  for (const need of needsOf(spec)) rights.push(await lackOf(need, { namespace, name }, ports))
  const missing = 'ok' in there && !there.ok ? [`there is no ${account}`] : []
  const lacks = rights.flatMap((one) => ('ok' in one && one.ok !== undefined ? [one.ok] : []))
  const [unknown] = [there, ...rights].flatMap((one) => ('unknown' in one ? [one.unknown] : []))
  const wrong = [...missing, ...new Set(lacks)].map((said) => ({ found: 'no', said }) as const)
  if (unknown !== undefined)
    return [
      ...wrong,
      { found: 'unknown', said: `whether ${account} is there, and may do all of this: ${unknown}` },
    ]
  return wrong.length > 0 ? wrong : [{ found: 'yes', said: `${account} is there, and may do this` }]
}

type Account = { readonly namespace: string; readonly name: string }

/** What keeps the account from one thing; undefined: nothing. */
async function lackOf(need: Need, account: Account, ports: NowPorts): Promise<Known<string | undefined>> {
  const served = await ports.served(need)
  if ('unknown' in served) return served
  if (typeof served.ok === 'string') return { ok: served.ok }
  if (!served.ok.namespaced && need.namespace !== undefined)
    return { ok: `${need.kind} is cluster-scoped: leave the namespace out` }
  const { namespace, name } = account
  const deed = deedOf(need, served.ok, namespace)
  const subject = { user: usernameOf(namespace, name), groups: accountGroups(namespace) }
  const lacking: string[] = []
  for (const verb of need.verbs) {
    const may = await ports.may(subject, { ...deed, verb })
    if ('unknown' in may) return may
    if (!may.ok) lacking.push(verb)
  }
  if (lacking.length === 0) return { ok: undefined }
  const what = resourceText(served.ok, need.subresource)
  const place = deed.namespace === undefined ? '' : ` in namespace ${deed.namespace}`
  return { ok: `ServiceAccount ${namespace}/${name} may not ${lacking.join(', ')} ${what}${place}` }
}

const deedOf = (need: Need, served: ServedKind, namespace: string): Omit<Deed, 'verb'> => ({
  group: served.group,
  resource: served.plural,
  ...(need.subresource === undefined ? {} : { subresource: need.subresource }),
  ...(served.namespaced ? { namespace: need.namespace ?? namespace } : {}),
  ...(need.name === undefined ? {} : { name: need.name }),
})
