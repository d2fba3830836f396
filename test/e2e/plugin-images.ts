/** Images of plugins in the two registries of the cluster (test/cluster/node.sh), and how tidewaiter and the kubelet get at them. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { clusterFolder, must, run, type Loose } from './support.ts'

/** The registry that anybody may read, without TLS. */
export const openRegistry = '10.244.0.1:5000'
/** The registry with a password and an authority of its own. */
export const privateRegistry = '10.244.0.1:5001'
const robot = { name: 'robot', password: 'pa:55word' }

const folder = mkdtempSync(join(tmpdir(), 'tidewaiter-plugins-'))
t.teardown(() => rmSync(folder, { recursive: true, force: true }))

const dockerConfig = (password: string): string =>
  JSON.stringify({
    auths: { [privateRegistry]: { auth: Buffer.from(`${robot.name}:${password}`).toString('base64') } },
  })
writeFileSync(join(folder, 'config.json'), dockerConfig(robot.password))
process.env['DOCKER_CONFIG'] = folder

const crane = async (...args: readonly string[]): Promise<string> =>
  must(await run('crane', [...args, '--insecure'])).stdout.trim()

/** Pushes the plugin of examples/backup-item-action, which test/cluster/plugin-image.sh has built; gives its digest. */
export async function pushExample(name: string): Promise<string> {
  const { stdout } = must(await run('test/cluster/plugin-image.sh', ['push', clusterFolder(), name]))
  return stdout.trim().replace(/^.*@/, '')
}

/** Gives an image another name, maybe in another registry. */
export const copy = (from: string, to: string): Promise<string> => crane('copy', from, to)

/** The digest that a tag names. */
export const digestOf = (image: string): Promise<string> => crane('digest', image)

/** Makes the tag name another image; gives its digest. */
export async function move(image: string): Promise<string> {
  await crane('mutate', image, '--label', 'moved=yes', '-t', image)
  return digestOf(image)
}

/** Pushes an image that does not say what it starts. */
export async function pushIdle(image: string): Promise<string> {
  writeFileSync(join(folder, 'plugin'), 'no program')
  must(await run('tar', ['-C', folder, '-cf', join(folder, 'layer.tar'), 'plugin']))
  await crane('append', '-f', join(folder, 'layer.tar'), '-t', image)
  const platform = `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`
  return crane('mutate', image, '--set-platform', platform, '-t', image)
}

/** A pull secret for the private registry, as `kubectl create secret docker-registry` makes it. */
export const pullSecret = (name: string, password = robot.password): Loose => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, namespace: 'velero' },
  type: 'kubernetes.io/dockerconfigjson',
  stringData: { '.dockerconfigjson': dockerConfig(password) },
})

/** What `--registries` must name for tidewaiter to reach both registries. */
export const registriesFiles = (): Readonly<Record<string, string>> => ({
  'registries.yaml': JSON.stringify({
    registries: [
      { registry: openRegistry, plainHttp: true },
      { registry: privateRegistry, caFile: 'ca.crt' },
    ],
  }),
  'ca.crt': readFileSync(join(clusterFolder(), 'state/private/ca.crt'), 'utf8'),
})
