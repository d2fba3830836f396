/** The alerts as Prometheus understands them: they parse, and fire when they should. By promtool, which needs no cluster. */
import { execFile } from 'node:child_process'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { parse, stringify } from 'yaml'

const run = promisify(execFile)
const root = join(import.meta.dirname, '../..')

t.test('the rules parse, and each alert fires after its time and not before', async (t) => {
  const folder = t.testdir({})
  const { spec } = parse(readFileSync(join(root, 'deploy/components/alerts/rules.yaml'), 'utf8'))
  writeFileSync(join(folder, 'rules.yaml'), stringify(spec))
  copyFileSync(join(root, 'test/deploy/alerts.promtool.yaml'), join(folder, 'test.yaml'))
  t.match(
    (await run('promtool', ['check', 'rules', 'rules.yaml'], { cwd: folder })).stdout,
    /SUCCESS: \d+ rules/,
  )
  t.match((await run('promtool', ['test', 'rules', 'test.yaml'], { cwd: folder })).stdout, 'SUCCESS')
})
