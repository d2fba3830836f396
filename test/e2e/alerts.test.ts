/** The alerts, as the real promtool reads and plays them. */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parse, stringify } from 'yaml'

const root = join(import.meta.dirname, '../..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')

t.test(
  'promtool takes every rule, and each alert is raised when it should be and not otherwise',
  async (t) => {
    const folder = t.testdir()
    const rules = join(folder, 'rules.yaml')
    writeFileSync(rules, stringify(parse(read('deploy/components/monitoring/rules.yaml')).spec))
    const played = join(folder, 'alerts.yaml')
    writeFileSync(played, read('test/deploy/alerts.yaml'))
    const promtool = (...args: readonly string[]) => execFileSync('promtool', args, { encoding: 'utf8' })
    t.match(promtool('check', 'rules', rules), /SUCCESS: \d\d rules found/)
    t.match(promtool('test', 'rules', played), /SUCCESS/)
  },
)
