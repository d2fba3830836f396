/** Credentials from an exec or OIDC plugin of a kubeconfig, by @kubernetes/client-node, which is loaded only for these. */
import { dirname, resolve } from 'node:path'
import type { Clock } from '../clock.ts'
import { AccessError } from './access.ts'
import type { Credentials } from './access.ts'
import { objectIn, textIn } from './errors.ts'
import type { Entry } from './kubeconfig-file.ts'
import { bearerToken, certificates, privateKey } from './pem.ts'

// A person may have to answer a browser; nobody answers for longer.
const longestMs = 120_000

// An exec plugin runs a process: not more than once a minute when the API server keeps saying 401.
const freshAtMostEachMs = 60_000

/** What a plugin answers: headers and a client certificate, as @kubernetes/client-node hands them on. */
export type PluginAnswer = {
  readonly headers?: Readonly<Record<string, unknown>>
  readonly cert?: unknown
  readonly key?: unknown
}

/** Runs the plugin of one user; each call of the outer function forgets what the former one remembered. */
export type PluginLoader = (user: Entry) => Promise<() => Promise<PluginAnswer>>

/** Whether a user's credentials come from a plugin. */
export function isPluginUser(user: Entry): boolean {
  return objectIn(user.fields['exec']) !== undefined || objectIn(user.fields['auth-provider']) !== undefined
}

/** Asks the plugin for every request (it remembers what is valid), and starts it anew when `fresh` is asked for. */
export function pluginAuth(
  user: Entry,
  clock: Clock,
  load: PluginLoader = loadPlugin,
): (fresh?: boolean) => Promise<Credentials> {
  let loaded: Promise<() => Promise<PluginAnswer>> | undefined
  let loadedAt = Number.NEGATIVE_INFINITY
  return async (fresh = false) => {
    if (loaded === undefined || (fresh && clock.steady() - loadedAt >= freshAtMostEachMs)) {
      loaded = load(user)
      loadedAt = clock.steady()
    }
    const started = loaded
    try {
      return credentialsIn(
        await inTime(
          started.then(async (ask) => ask()),
          clock,
        ),
        user,
      )
    } catch (cause) {
      loaded = undefined
      throw cause instanceof AccessError
        ? cause
        : failed(user, cause instanceof Error ? cause.message : String(cause), cause)
    }
  }
}

async function inTime<T>(work: Promise<T>, clock: Clock): Promise<T> {
  const deadline = clock.abortAfter(longestMs)
  const late = Promise.withResolvers<never>()
  const stop = () => late.reject(new Error(`no answer in ${longestMs / 1000} s`))
  deadline.signal.addEventListener('abort', stop, { once: true })
  try {
    return await Promise.race([work, late.promise])
  } finally {
    deadline.signal.removeEventListener('abort', stop)
    deadline.release()
  }
}

function credentialsIn(answer: PluginAnswer, user: Entry): Credentials {
  const where = `the answer of the auth plugin of user "${user.name}"`
  const header = textIn(answer.headers?.['Authorization'])
  const cert = pemIn(answer.cert)
  const key = pemIn(answer.key)
  if (header === undefined && (cert === undefined || key === undefined))
    throw failed(user, 'neither a token nor a certificate')
  return {
    ...(header === undefined
      ? {}
      : { authorization: `Bearer ${bearerToken(header.replace(/^Bearer /, ''), where)}` }),
    ...(cert === undefined || key === undefined
      ? {}
      : { cert: certificates(cert, where), key: privateKey(key, where, cert) }),
  }
}

function pemIn(value: unknown): string | undefined {
  return Buffer.isBuffer(value) ? value.toString('utf8') : textIn(value)
}

function failed(user: Entry, got: string, cause?: unknown): AccessError {
  const command = textIn(objectIn(user.fields['exec'])?.['command']) ?? 'auth-provider'
  return new AccessError(
    'PLUGIN_FAILED',
    `the auth plugin "${command}" of user "${user.name}" in ${user.file} must give credentials, got ${got.slice(0, 1000)}; run it by hand, or log in again`,
    { cause },
  )
}

async function loadPlugin(user: Entry): Promise<() => Promise<PluginAnswer>> {
  // 430 ms and 125 MB (facts on speed): never in a cluster, and not before a plugin is there.
  const { KubeConfig } = await import('@kubernetes/client-node')
  const config = new KubeConfig()
  const provider = objectIn(user.fields['auth-provider'])
  config.loadFromOptions({
    clusters: [{ name: 'c', server: 'https://127.0.0.1:1' }],
    users: [
      {
        name: user.name,
        exec: execOf(user),
        ...(provider === undefined ? {} : { authProvider: provider }),
      },
    ],
    contexts: [{ name: 'x', cluster: 'c', user: user.name }],
    currentContext: 'x',
  })
  return async () => {
    // applyToHTTPSOptions fills in headers, cert and key, whatever the plugin gave; the agent it makes is not used.
    const filled: { headers: Record<string, unknown>; cert?: unknown; key?: unknown } = { headers: {} }
    await config.applyToHTTPSOptions(filled as Parameters<typeof config.applyToHTTPSOptions>[0])
    return filled
  }
}

/**
 * The exec section as client-go would run it (plugin/pkg/client/auth/exec): a relative command starts from the folder of the
 * kubeconfig, and KUBERNETES_EXEC_INFO says which version is wanted; @kubernetes/client-node does neither.
 */
function execOf(user: Entry): Readonly<Record<string, unknown>> | undefined {
  const exec = objectIn(user.fields['exec'])
  const command = textIn(exec?.['command'])
  if (exec === undefined || command === undefined) return exec
  const info = { apiVersion: exec['apiVersion'], kind: 'ExecCredential', spec: { interactive: false } }
  const given: readonly unknown[] = Array.isArray(exec['env']) ? exec['env'] : []
  return {
    ...exec,
    command: command.includes('/') ? resolve(dirname(user.file), command) : command,
    env: [...given, { name: 'KUBERNETES_EXEC_INFO', value: JSON.stringify(info) }],
  }
}
