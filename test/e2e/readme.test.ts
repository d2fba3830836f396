/** The README's five minutes on a cluster, command by command, with the outputs that it shows. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { projectRoot } from '../support/generate.ts'

type Block = { readonly commands: string; readonly refused: boolean; readonly output: string | undefined }

const readme = readFileSync(join(projectRoot, 'README.md'), 'utf8')

/** Every block `sh tour`, with the block `text` that follows it directly. */
const blocks: readonly Block[] = [
  ...readme.matchAll(/```sh tour( refused)?\n([\s\S]*?)```\n(?:\n```text\n([\s\S]*?)```)?/g),
].map(([, refused, commands = '', output]) => ({ commands, refused: refused !== undefined, output }))

/** Names, times and ages differ from run to run; words do not. */
const settled = (text: string): string =>
  text
    .replace(/-[0-9a-f]{8}-/g, '-UID-')
    .replace(/\b\d+(\.\d+)? (ms|s)\b/g, 'TIME')
    .replace(/\b\d+s\b/g, 'AGE')
    .replace(/ +/g, ' ')
    .replace(/ +$/gm, '')
    .trim()

t.test('the README has its tour', async (t) => {
  t.ok(blocks.length >= 5)
  t.equal(blocks.filter(({ output }) => output !== undefined).length, 2)
})

// A pod that is ready can be called by its Service when kube-proxy has heard of it, a moment later.
const gatekeeper = 'gatekeeper.tidewaiter-tour.svc.cluster.local/80'
const patient = `velero() {
  if [ "$1 $2" = 'backup create' ]; then
    for _ in $(seq 40); do timeout 1 bash -c ': </dev/tcp/${gatekeeper}' && break; sleep 0.5; done 2>/dev/null
  fi
  command velero "$@"
}
`

for (const [index, { commands, refused, output }] of blocks.entries()) {
  t.test(`step ${index + 1} of the tour does what the README says`, async (t) => {
    const env = { ...process.env, IMAGE: process.env['TIDEWAITER_E2E_IMAGE'] ?? '' }
    const ran = spawnSync('bash', ['-euo', 'pipefail', '-c', patient + commands], {
      cwd: projectRoot,
      env,
      encoding: 'utf8',
      timeout: 300_000,
    })
    t.equal(ran.status === 0, !refused, `${ran.stdout}${ran.stderr}`)
    if (output === undefined) return
    // kubectl lists by name, and names hold what differs from run to run.
    const said = settled(ran.stdout + ran.stderr).split('\n')
    const wanted = settled(output).split('\n')
    t.same(said.slice(-wanted.length).sort(), wanted.sort())
  })
}
