/** Access by a kubeconfig: its current context made into a ClusterAccess. */
import type { Clock } from '../clock.ts'
import { AccessError } from './access.ts'
import type { ActAs, ClusterAccess, Credentials } from './access.ts'
import { isPluginUser, pluginAuth } from './auth-plugin.ts'
import type { PluginLoader } from './auth-plugin.ts'
import { objectIn } from './errors.ts'
import { chosenIn, fieldIn, pathIn } from './kubeconfig-file.ts'
import type { Entry, Kubeconfig } from './kubeconfig-file.ts'
import { bearerToken, certificates, fromBase64, privateKey } from './pem.ts'

/** What a kubeconfig needs from the world. */
export type KubeconfigWorld = {
  readonly readFile: (path: string) => Promise<string>
  readonly clock: Clock
  /** How exec and OIDC plugins are run; @kubernetes/client-node unless a test says otherwise. */
  readonly loadPlugin?: PluginLoader
}

const tokenRereadMs = 60_000

/** The access that the current context of a kubeconfig describes. */
export async function kubeconfigAccess(config: Kubeconfig, world: KubeconfigWorld): Promise<ClusterAccess> {
  const { context, cluster, user } = chosenIn(config)
  refuseUnsupported(cluster)
  const ca = await pemOf(cluster, 'certificate-authority', world)
  const skipTlsVerify = cluster.fields['insecure-skip-tls-verify'] === true
  const serverName = fieldIn(cluster, 'tls-server-name')
  const namespace = fieldIn(context, 'namespace')
  const actAs = actAsIn(user)
  return {
    server: serverOf(cluster),
    ...(ca === undefined ? {} : { ca: certificates(ca.text, ca.where) }),
    ...(serverName === undefined ? {} : { serverName }),
    auth: await authOf(user, world),
    ...(actAs === undefined ? {} : { actAs }),
    ...(namespace === undefined ? {} : { namespace }),
    inCluster: false,
    skipTlsVerify,
    warnings: skipTlsVerify
      ? [
          `cluster "${cluster.name}" in ${cluster.file} says insecure-skip-tls-verify: anyone on the way can read our credentials; give certificate-authority instead`,
        ]
      : [],
  }
}

function refuseUnsupported(cluster: Entry): void {
  if (fieldIn(cluster, 'proxy-url') === undefined) return
  throw new AccessError(
    'UNSUPPORTED',
    `cluster "${cluster.name}" in ${cluster.file} must be reached directly, got a proxy-url; remove it, or use kubectl proxy and its address as server`,
  )
}

function serverOf(cluster: Entry): string {
  const server = fieldIn(cluster, 'server') ?? ''
  const url = URL.parse(server)
  if (url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.search === '')
    return server.replace(/\/+$/, '')
  throw new AccessError(
    'BAD_SERVER',
    `server of cluster "${cluster.name}" in ${cluster.file} must be an address such as https://10.0.0.1:6443, got ${JSON.stringify(server.slice(0, 100))}; mend it with kubectl config set-cluster`,
  )
}

type Found = { readonly text: string; readonly where: string }

/** A PEM that a kubeconfig holds itself (`x-data`) or names a file for (`x`); the former wins, as in client-go. */
async function pemOf(entry: Entry, field: string, world: KubeconfigWorld): Promise<Found | undefined> {
  const inline = fieldIn(entry, `${field}-data`)
  if (inline !== undefined) {
    const where = `${field}-data of "${entry.name}" in ${entry.file}`
    return { text: fromBase64(inline, where), where }
  }
  const path = pathIn(entry, field)
  return path === undefined ? undefined : { text: await readNamed(entry, path, world), where: path }
}

async function readNamed(entry: Entry, path: string, world: KubeconfigWorld): Promise<string> {
  try {
    return await world.readFile(path)
  } catch (cause) {
    throw new AccessError(
      'UNREADABLE',
      `${path}, which "${entry.name}" in ${entry.file} names, must be readable, got ${cause instanceof Error ? cause.message : String(cause)}; check the path and its rights`,
      { cause },
    )
  }
}

async function authOf(user: Entry, world: KubeconfigWorld): Promise<ClusterAccess['auth']> {
  const certificate = await certificateOf(user, world)
  const token = fieldIn(user, 'token')
  if (isPluginUser(user)) {
    const ask = pluginAuth(user, world.clock, world.loadPlugin)
    return async (fresh) => ({ ...certificate, ...(await ask(fresh)) })
  }
  const tokenFile = pathIn(user, 'tokenFile')
  if (tokenFile !== undefined) return tokenFileAuth({ user, tokenFile, world, certificate })
  const authorization =
    token === undefined ? basicOf(user) : `Bearer ${bearerToken(token, `token of user "${user.name}"`)}`
  return async () => ({ ...certificate, ...(authorization === undefined ? {} : { authorization }) })
}

function basicOf(user: Entry): string | undefined {
  const name = fieldIn(user, 'username')
  if (name === undefined) return undefined
  return `Basic ${Buffer.from(`${name}:${fieldIn(user, 'password') ?? ''}`).toString('base64')}`
}

async function certificateOf(user: Entry, world: KubeconfigWorld): Promise<Credentials> {
  const cert = await pemOf(user, 'client-certificate', world)
  const key = await pemOf(user, 'client-key', world)
  if (cert === undefined && key === undefined) return {}
  if (cert === undefined || key === undefined) {
    const [there, missing] =
      cert === undefined ? ['client-key', 'client-certificate'] : ['client-certificate', 'client-key']
    throw new AccessError(
      'BAD_PEM',
      `user "${user.name}" in ${user.file} must have both, got a ${there} without a ${missing}; add it`,
    )
  }
  certificates(cert.text, cert.where)
  return { cert: cert.text, key: privateKey(key.text, key.where, cert.text) }
}

type TokenFile = {
  readonly user: Entry
  readonly tokenFile: string
  readonly world: KubeconfigWorld
  readonly certificate: Credentials
}

/** A token that is re-read at most once a minute; a read that fails keeps the former one. */
async function tokenFileAuth({
  user,
  tokenFile,
  world,
  certificate,
}: TokenFile): Promise<ClusterAccess['auth']> {
  const read = async () => `Bearer ${bearerToken(await readNamed(user, tokenFile, world), tokenFile)}`
  let authorization = await read()
  let readAt = world.clock.now()
  return async (fresh = false) => {
    if (fresh || Math.abs(world.clock.now() - readAt) >= tokenRereadMs) {
      readAt = world.clock.now()
      authorization = await read().catch(() => authorization)
    }
    return { ...certificate, authorization }
  }
}

function actAsIn(user: Entry): ActAs | undefined {
  const name = fieldIn(user, 'as')
  if (name === undefined) return undefined
  const uid = fieldIn(user, 'as-uid')
  const extra = objectIn(user.fields['as-user-extra'])
  return {
    user: name,
    groups: textsIn(user.fields['as-groups']),
    ...(uid === undefined ? {} : { uid }),
    ...(extra === undefined
      ? {}
      : { extra: Object.fromEntries(Object.entries(extra).map(([k, v]) => [k, textsIn(v)])) }),
  }
}

function textsIn(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []
}
