/** Access from inside a pod: the projected service account, whose token and authorities rotate. */
import type { Clock } from '../clock.ts'
import { AccessError } from './access.ts'
import type { ClusterAccess, Credentials } from './access.ts'
import { bearerToken, certificates } from './pem.ts'

/** Where the kubelet mounts the service account. */
const serviceAccountFolder = '/var/run/secrets/kubernetes.io/serviceaccount'

// The kubelet replaces the token after 80 % of its life (at least 10 minutes, by default an hour); client-go looks once a
// minute too (transport/token_source.go).
const reread = 60_000

type World = {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly readFile: (path: string) => Promise<string>
  readonly clock: Clock
}

/** Whether the variables are there that the kubelet sets in every container. */
export function isInCluster(env: World['env']): boolean {
  return (env['KUBERNETES_SERVICE_HOST'] ?? '') !== '' && (env['KUBERNETES_SERVICE_PORT'] ?? '') !== ''
}

/** The API server of the cluster we run in, as the service account of our pod. */
export async function inClusterAccess(world: World): Promise<ClusterAccess> {
  const auth = rereading(world)
  await auth()
  const namespace = await world.readFile(`${serviceAccountFolder}/namespace`).then(
    (text) => text.trim(),
    () => '',
  )
  return {
    server: serverOf(world.env),
    auth,
    ...(namespace === '' ? {} : { namespace }),
    inCluster: true,
    skipTlsVerify: false,
    warnings: [],
  }
}

function serverOf(env: World['env']): string {
  const host = env['KUBERNETES_SERVICE_HOST'] ?? ''
  const port = env['KUBERNETES_SERVICE_PORT'] ?? ''
  const server = `https://${host.includes(':') ? `[${host}]` : host}:${port}`
  if (URL.canParse(server)) return server
  throw new AccessError(
    'BAD_SERVER',
    `KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT must be an address and a port, got "${host}" and "${port}"; remove what overrides them in the pod`,
  )
}

/** Reads token and authorities at most once a minute; keeps the former ones while a file cannot be read. */
function rereading(world: World): (fresh?: boolean) => Promise<Credentials> {
  let held: Credentials | undefined
  let readAt = 0
  return async (fresh = false) => {
    const age = Math.abs(world.clock.now() - readAt)
    if (held !== undefined && !fresh && age < reread) return held
    try {
      held = await readAccount(world.readFile)
    } catch (error) {
      // A file half replaced, or a full disk of the node: the former token is good for minutes yet.
      if (held === undefined) throw error
    }
    readAt = world.clock.now()
    return held
  }
}

async function readAccount(readFile: World['readFile']): Promise<Credentials> {
  const token = `${serviceAccountFolder}/token`
  const ca = `${serviceAccountFolder}/ca.crt`
  return {
    authorization: `Bearer ${bearerToken(await read(readFile, token), token)}`,
    ca: certificates(await read(readFile, ca), ca),
  }
}

async function read(readFile: World['readFile'], path: string): Promise<string> {
  try {
    return await readFile(path)
  } catch (cause) {
    throw new AccessError(
      'UNREADABLE',
      `${path} must be readable in a pod, got ${cause instanceof Error ? cause.message : String(cause)}; set automountServiceAccountToken: true, or give --kubeconfig`,
      { cause },
    )
  }
}
