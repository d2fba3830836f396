/** Reads pull secrets, in the two formats that the kubelet reads. No message shows what is in them. */
import { isObject, type Json } from '../core/velero.ts'
import type { Credential, Keyring, KeyringEntry } from './keyring.ts'
import { keyOf } from './keyring.ts'
import type { PullSecretNote } from '../core/plugin-check/pull-secret.ts'
import { readObject } from './json.ts'
import type { Read } from './json.ts'

/** A Secret as far as it is read; `data` as the API server gives it, base64. */
export type PullSecret = {
  /** For messages: `velero/pull`. */
  readonly name: string
  readonly type: string
  readonly data: Readonly<Record<string, string>>
}

/** What a pull secret gives, and what somebody who wrote it should know. */
export type PullSecretRead = { readonly keyring: Keyring; readonly notes: readonly PullSecretNote[] }

const formats: Readonly<Record<string, string>> = {
  'kubernetes.io/dockerconfigjson': '.dockerconfigjson',
  'kubernetes.io/dockercfg': '.dockercfg',
}

/** Whether the kubelet reads it for pulling at all: others among a pod's pull secrets it passes over. */
export const isForPulling = ({ type, data }: PullSecret): boolean =>
  Object.hasOwn(formats, type) && (data[formats[type] ?? ''] ?? '') !== ''

/** Reads a pull secret; like the kubelet it takes all of it or, if one entry cannot be read, nothing. */
export function readPullSecret(secret: PullSecret): Read<PullSecretRead> {
  const named = `Secret ${secret.name}`
  const config = readConfig(secret, named)
  if ('problem' in config) return config
  const auths = secret.type === 'kubernetes.io/dockercfg' ? config.ok : (fieldOf(config.ok, 'auths') ?? {})
  if (!isObject(auths)) return { problem: `${named} must hold an object as auths` }
  const entries = readEntries(auths, named)
  if ('problem' in entries) return entries
  return {
    ok: { keyring: entries.ok, notes: [...notesOf(config.ok, named), ...entries.ok.flatMap(noteOf)] },
  }
}

function readConfig({ type, data }: PullSecret, named: string): Read<Json> {
  const key = Object.hasOwn(formats, type) ? formats[type] : undefined
  if (key === undefined) {
    const got = JSON.stringify(type.slice(0, 80))
    return { problem: `${named} must be of type ${Object.keys(formats).join(' or ')}, got ${got}` }
  }
  const content = data[key] ?? ''
  if (content === '') return { problem: `${named} must have the key ${key}, got none or an empty one` }
  const read = readObject(Buffer.from(content, 'base64'))
  // Not what is wrong with it: that would show a part of it.
  return 'problem' in read
    ? { problem: `${named} must hold a JSON object in ${key}, got something else` }
    : read
}

function readEntries(auths: Json, named: string): Read<Keyring> {
  const found: KeyringEntry[] = []
  for (const [location, value] of Object.entries(auths)) {
    const from = `entry ${JSON.stringify(location.slice(0, 200))} of ${named}`
    const credential = readEntry(value ?? {}, from)
    if ('problem' in credential) return { problem: `the ${from} ${credential.problem}` }
    found.push({ location, credential: credential.ok })
  }
  return { ok: found }
}

function readEntry(value: unknown, from: string): Read<Credential> {
  if (!isObject(value)) return { problem: 'must be an object' }
  const username = textOf(value, 'username')
  const password = textOf(value, 'password')
  const auth = textOf(value, 'auth')
  const identityToken = textOf(value, 'identitytoken')
  if (username === undefined || password === undefined || auth === undefined || identityToken === undefined)
    return { problem: 'must have texts as username, password, auth and identitytoken' }
  const pair = auth === '' ? { ok: { username, password } } : readAuth(auth)
  if ('problem' in pair) return pair
  return { ok: { ...pair.ok, ...(identityToken === '' ? {} : { identityToken }), from } }
}

function textOf(fields: Json, name: string): string | undefined {
  const value = fieldOf(fields, name) ?? ''
  return typeof value === 'string' ? value : undefined
}

/** `auth` is base64 of `username:password`, padded or not; the first colon counts. Go leaves line ends out. */
function readAuth(auth: string): Read<Pick<Credential, 'username' | 'password'>> {
  const problem = { problem: 'must have base64 of username:password as auth' }
  const text = auth.replaceAll(/[\r\n]/g, '')
  const padded = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
  const bare = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2,3})?$/
  if (!(text.endsWith('=') ? padded : bare).test(text)) return problem
  const bytes = Buffer.from(text, 'base64')
  const pair = bytes.toString('utf8')
  const colon = pair.indexOf(':')
  // What is not UTF-8 cannot be handed to a container runtime either.
  if (colon < 0 || !Buffer.from(pair, 'utf8').equals(bytes)) return problem
  return { ok: { username: pair.slice(0, colon), password: pair.slice(colon + 1) } }
}

/** A field as Go reads it: in any case, and the last one counts. */
function fieldOf(fields: Json, name: string): unknown {
  const key = Object.keys(fields).findLast((key) => key.toLowerCase() === name)
  return key === undefined ? undefined : fields[key]
}

function notesOf(config: Json, named: string): readonly PullSecretNote[] {
  return ['credsstore', 'credhelpers']
    .filter((name) => fieldOf(config, name) !== undefined)
    .map((name) => ({
      reason: 'CredentialHelper',
      message: `${named} has ${name}, but credential helpers do not run in a cluster. Put the credentials in`,
    }))
}

function noteOf({ location, credential }: KeyringEntry): readonly PullSecretNote[] {
  const { username, password, identityToken, from } = credential
  if (keyOf(location) === undefined)
    return [
      { reason: 'EntryLeftOut', message: `the ${from} is left out, as that is no host with a path. Mend it` },
    ]
  // The Docker client writes the user name beside the token, and no password.
  if (identityToken !== undefined && password === '') {
    const message = `the ${from} has only an identity token, which the kubelet does not read: it will pull without it. Put a user name and a password in`
    return [{ reason: 'IdentityTokenOnly', message }]
  }
  if (username !== '' || password !== '') return []
  return [
    {
      reason: 'EntryEmpty',
      message: `the ${from} has neither user name nor password: it asks without credentials`,
    },
  ]
}
