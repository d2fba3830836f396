/** The gate of plugins, turned on and off again on the install of the cluster. */
import { openRegistry, privateRegistry, registriesFiles } from './plugin-images.ts'
import { apply, call, eventually, kubectl, must, type Loose } from './support.ts'
import { ownNamespace, whole } from './z-install.ts'

const deployment = `/apis/apps/v1/namespaces/${ownNamespace}/deployments/tidewaiter`
const files = 'e2e-registries'
const folder = '/etc/tidewaiter/registries'

const env = {
  VELERO_PLUGINS_ENABLED: 'true',
  TIDEWAITER_REGISTRIES: `${folder}/registries.yaml`,
  // Both live at the node's own address, which is refused else.
  TIDEWAITER_EGRESS_ALLOW: `${openRegistry},${privateRegistry}`,
  TIDEWAITER_DRAIN_SECONDS: '1',
}

const withPlugins = (template: Loose): Loose => {
  const [container] = template.spec.containers
  const more = Object.entries(env).map(([name, value]) => ({ name, value }))
  const mount = { name: files, mountPath: folder, readOnly: true }
  return {
    ...template,
    spec: {
      ...template.spec,
      volumes: [...(template.spec.volumes ?? []), { name: files, configMap: { name: files } }],
      containers: [
        {
          ...container,
          env: [...container.env, ...more],
          volumeMounts: [...(container.volumeMounts ?? []), mount],
        },
      ],
    },
  }
}

/** Stops both replicas and waits until they are gone. */
export async function stopped(): Promise<void> {
  must(await kubectl(['-n', ownNamespace, 'scale', 'deployment/tidewaiter', '--replicas=0']))
  await kubectl(['-n', ownNamespace, 'wait', 'pods', '--all', '--for=delete', '--timeout=60s'])
}

/** Starts both replicas and waits until they serve. */
export async function started(): Promise<void> {
  must(await kubectl(['-n', ownNamespace, 'scale', 'deployment/tidewaiter', '--replicas=2']))
  await whole()
}

/** All replicas anew with this template; nothing is served in between, which is quicker than one after another. */
async function replaced(template: Loose): Promise<void> {
  const now = (await call('GET', deployment)).body
  const spec = { ...now.spec, template, replicas: 0 }
  const answer = await call('PUT', deployment, { body: { ...now, spec } })
  if (answer.status !== 200) throw new Error(`the install must take its new template: ${answer.body.message}`)
  await eventually(
    async () => {
      const { status, metadata } = (await call('GET', deployment)).body
      return status.observedGeneration === metadata.generation && (status.replicas ?? 0) === 0
    },
    { what: 'both replicas to be told to stop' },
  )
  await started()
}

/** Turns plugins on; gives what turns them off again, as it was. */
export async function pluginsOn(): Promise<() => Promise<void>> {
  const { template } = (await call('GET', deployment)).body.spec
  const metadata = { name: files, namespace: ownNamespace }
  await apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data: registriesFiles() })
  await replaced(withPlugins(template))
  return async () => {
    await replaced(template)
    await kubectl(['-n', ownNamespace, 'delete', 'configmap', files])
  }
}
