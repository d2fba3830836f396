/** The Deployment of Velero, as its two installers make it; and plugins to put into it. */
import { imageText, parseImage } from '../../src/core/image.ts'
import type { DeclaredPlugin } from '../../src/core/plugin/declared.ts'
import { derivedName } from '../../src/core/plugin/names.ts'
import { hash } from '../../src/wiring/crypto.ts'

/** Any JSON object, for assertions to look into. */
// oxlint-disable-next-line typescript/no-explicit-any - what is in it is judged by the tests
export type Tree = Readonly<Record<string, any>>

const env = [
  { name: 'VELERO_SCRATCH_DIR', value: '/scratch' },
  { name: 'VELERO_NAMESPACE', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } },
  { name: 'LD_LIBRARY_PATH', value: '/plugins' },
]

/** The AWS plugin, which is there before us. */
export const awsContainer = {
  image: 'velero/velero-plugin-for-aws:v1.14.0',
  imagePullPolicy: 'IfNotPresent',
  name: 'velero-velero-plugin-for-aws',
  resources: {},
  volumeMounts: [{ mountPath: '/target', name: 'plugins' }],
}

/** What `velero install --plugins velero/velero-plugin-for-aws:v1.14.0 --dry-run -o json` of Velero 1.18.3 prints. */
export const installed: Tree = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { creationTimestamp: null, labels: { component: 'velero' }, name: 'velero', namespace: 'velero' },
  spec: {
    selector: { matchLabels: { deploy: 'velero' } },
    strategy: {},
    template: {
      metadata: {
        annotations: {
          'prometheus.io/path': '/metrics',
          'prometheus.io/port': '8085',
          'prometheus.io/scrape': 'true',
        },
        creationTimestamp: null,
        labels: { component: 'velero', deploy: 'velero' },
      },
      spec: {
        containers: [
          {
            args: ['server', '--features=', '--uploader-type=kopia'],
            command: ['/velero'],
            env,
            image: 'velero/velero:v1.18.3',
            imagePullPolicy: 'IfNotPresent',
            name: 'velero',
            ports: [{ containerPort: 8085, name: 'metrics' }],
            resources: {
              limits: { cpu: '1', memory: '512Mi' },
              requests: { cpu: '500m', memory: '128Mi' },
            },
            volumeMounts: [
              { mountPath: '/plugins', name: 'plugins' },
              { mountPath: '/scratch', name: 'scratch' },
            ],
          },
        ],
        initContainers: [awsContainer],
        os: { name: 'linux' },
        restartPolicy: 'Always',
        serviceAccountName: 'velero',
        volumes: [
          { emptyDir: {}, name: 'plugins' },
          { emptyDir: {}, name: 'scratch' },
        ],
      },
    },
  },
}

const chartLabels = {
  'app.kubernetes.io/name': 'velero',
  'app.kubernetes.io/instance': 'velero',
  'app.kubernetes.io/managed-by': 'Helm',
  'helm.sh/chart': 'velero-12.1.0',
}

/** What the Velero chart renders without values for plugins: no initContainers, no pull secrets. */
export const charted: Tree = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'velero', namespace: 'velero', labels: { ...chartLabels, component: 'velero' } },
  spec: {
    replicas: 1,
    strategy: { type: 'Recreate' },
    selector: {
      matchLabels: { 'app.kubernetes.io/instance': 'velero', 'app.kubernetes.io/name': 'velero' },
    },
    template: {
      metadata: { labels: { name: 'velero', ...chartLabels } },
      spec: {
        restartPolicy: 'Always',
        serviceAccountName: 'velero-server',
        terminationGracePeriodSeconds: 3600,
        containers: [
          {
            name: 'velero',
            image: 'velero/velero:v1.18.3',
            imagePullPolicy: 'IfNotPresent',
            ports: [{ name: 'http-monitoring', containerPort: 8085 }],
            command: ['/velero'],
            args: ['server', '--uploader-type=kopia'],
            volumeMounts: [
              { name: 'plugins', mountPath: '/plugins' },
              { name: 'cloud-credentials', mountPath: '/credentials' },
              { name: 'scratch', mountPath: '/scratch' },
            ],
            env,
          },
        ],
        dnsPolicy: 'ClusterFirst',
        volumes: [
          { name: 'cloud-credentials', secret: { secretName: 'velero' } },
          { name: 'plugins', emptyDir: {} },
          { name: 'scratch', emptyDir: {} },
        ],
      },
    },
  },
}

/** A Deployment with a changed pod spec. */
export function withPodSpec(deployment: Tree, change: (spec: Tree) => Tree): Tree {
  const spec = deployment['spec'] as Tree
  const template = spec['template'] as Tree
  return {
    ...deployment,
    spec: { ...spec, template: { ...template, spec: change(template['spec'] as Tree) } },
  }
}

/** A declared plugin. */
export function aPlugin(image: string, more: Partial<DeclaredPlugin> = {}): DeclaredPlugin {
  const read = parseImage(image)
  if ('fault' in read) throw new Error(`no image: ${image}`)
  const name = more.name ?? derivedName(image, hash)
  return {
    name,
    declaredIn: `VeleroPlugin velero/${name}`,
    image,
    reference: read.ok,
    imagePullPolicy: 'IfNotPresent',
    enforcement: 'Enforce',
    initContainer: derivedName(imageText(read.ok), hash),
    ...more,
  }
}
