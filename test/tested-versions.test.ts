/** docs/install.md names the versions that the test clusters are built from. */
import { readFileSync } from 'node:fs'
import t from 'tap'

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')
/** The version of a module that a part of the test cluster is built from. */
const versionOf = (part: string, module: string): string =>
  new RegExp(`^(?:require|\\t)\\s*${module} (v[^ \\n]+)`, 'm').exec(
    read(`test/cluster/go/${part}/go.mod`),
  )?.[1] ?? `${module} is not in ${part}`

const kubernetes = 'k8s.io/kubernetes'
const velero = 'github.com/vmware-tanzu/velero'
const etcd = versionOf('kubernetes', 'go.etcd.io/etcd/server/v3')
const plugin = versionOf('velero', 'github.com/vmware-tanzu/velero-plugin-for-aws')

/** The cells of the table's row that begins with `name`. */
const rowOf = (name: string): readonly string[] => {
  const row = read('docs/install.md')
    .split('\n')
    .find((line) => line.startsWith(`| ${name} `))
  return (row ?? '')
    .split('|')
    .slice(2, -1)
    .map((cell) => cell.trim())
}

for (const [name, want] of Object.entries({
  Kubernetes: [versionOf('kubernetes', kubernetes), versionOf('oldest/kubernetes', kubernetes)],
  Velero: [versionOf('velero', velero), versionOf('oldest/velero', velero)],
  'its plugin for AWS': [plugin, plugin],
  etcd: [etcd, etcd],
})) {
  t.test(`the install page names the versions of ${name} that are tested`, async (t) =>
    t.same(rowOf(name), want),
  )
}

t.test('the oldest versions tested are the oldest promised', async (t) => {
  const [, minor] = versionOf('oldest/kubernetes', kubernetes).split('.')
  const [, veleroMinor] = versionOf('oldest/velero', velero).split('.')
  const promised = `Kubernetes 1.${minor} or newer, Velero 1.${veleroMinor} or newer`
  t.match(read('docs/install.md'), promised)
  t.match(
    read('README.md'),
    `Velero (1.${veleroMinor} or newer) on an unmodified Kubernetes (1.${minor} or newer)`,
  )
})
