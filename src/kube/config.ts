/** Finds the API server: a kubeconfig that was named, else the cluster we run in, else the kubeconfig of the home folder. */
import { delimiter, join } from 'node:path'
import { AccessError } from './access.ts'
import type { ClusterAccess } from './access.ts'
import { inClusterAccess, isInCluster } from './in-cluster.ts'
import { mergeKubeconfigs, parseKubeconfig } from './kubeconfig-file.ts'
import type { Kubeconfig } from './kubeconfig-file.ts'
import { kubeconfigAccess } from './kubeconfig.ts'
import type { KubeconfigWorld } from './kubeconfig.ts'

/** Where to look for the API server. */
export type AccessOptions = KubeconfigWorld & {
  /** The file that `--kubeconfig` names. */
  readonly kubeconfigPath?: string
  /** The context that `--context` names; without it the current one of the kubeconfig. */
  readonly context?: string
  readonly env: Readonly<Record<string, string | undefined>>
}

/** Finds the API server and reads our credentials, in the order of kubectl: --kubeconfig, KUBECONFIG, in a cluster, the home folder. */
export async function loadClusterAccess(options: AccessOptions): Promise<ClusterAccess> {
  const { kubeconfigPath, env } = options
  if (kubeconfigPath !== undefined) return fromFiles([kubeconfigPath], options)
  const named = (env['KUBECONFIG'] ?? '').split(delimiter).filter((path) => path !== '')
  if (named.length > 0) return fromFiles(named, options)
  if (isInCluster(env) && options.context === undefined) return inClusterAccess(options)
  const home = env['HOME'] ?? env['USERPROFILE']
  if (home !== undefined && home !== '') return fromFiles([join(home, '.kube', 'config')], options)
  throw noConfig('no KUBECONFIG, no HOME, and no KUBERNETES_SERVICE_HOST')
}

async function fromFiles(paths: readonly string[], options: AccessOptions): Promise<ClusterAccess> {
  const read: Kubeconfig[] = []
  for (const path of paths) {
    const text = await textOf(path, options)
    if (text !== undefined) read.push(parseKubeconfig(text, path))
  }
  if (read.length === 0) throw noConfig(`no file at ${paths.join(', ')}`)
  const merged = mergeKubeconfigs(read)
  const { context: currentContext = merged.currentContext } = options
  return kubeconfigAccess(currentContext === undefined ? merged : { ...merged, currentContext }, options)
}

/** The text of a kubeconfig; a file that is not there is none (KUBECONFIG=a:b may name some), one that cannot be read is an error. */
async function textOf(path: string, options: AccessOptions): Promise<string | undefined> {
  try {
    return await options.readFile(path)
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined
    throw new AccessError(
      'UNREADABLE',
      `${path} must be a readable kubeconfig, got ${cause instanceof Error ? cause.message : String(cause)}; check its rights`,
      { cause },
    )
  }
}

function noConfig(got: string): AccessError {
  return new AccessError(
    'NO_CONFIG',
    `a kubeconfig or a service account is needed to reach the API server, got ${got}; give --kubeconfig FILE`,
  )
}
