/** Where the server of a kubeconfig is. */
import { readFile } from 'node:fs/promises'
import { parse } from 'yaml'
import type { Endpoint } from './http.ts'

/** The endpoint of a kubeconfig with a token, as test/cluster and the sandbox write it: the first of each list. */
export async function endpointOf(file: string): Promise<Endpoint> {
  const { clusters, users } = parse(await readFile(file, 'utf8'))
  const { server, ...cluster } = clusters[0].cluster
  const inline = cluster['certificate-authority-data']
  return {
    url: server,
    ca: inline === undefined ? await readFile(cluster['certificate-authority'], 'utf8') : atob(inline),
    token: users[0].user.token,
    // Its machine may be slow or busy. On a sandbox a case must give up soon: a planted bug makes many of them wait for nothing.
    patience: 3,
  }
}
