import { Registry, collectDefaultMetrics } from 'prom-client'
import t from 'tap'
import { addProcessMetrics } from '../../src/lean/prom-client.ts'

const toldOf = async (registry: Registry) =>
  (await registry.getMetricsAsJSON())
    .map(({ name, help, type }) => ({ name, help, type }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))

t.test('the metrics of a process are those that prom-client has', async (t) => {
  const [ours, theirs] = [new Registry(), new Registry()]
  addProcessMetrics(ours, 'x_')
  collectDefaultMetrics({ register: theirs, prefix: 'x_' })
  t.same(await toldOf(ours), await toldOf(theirs))
})

t.test('processor time counts up, and is that of user and system together', async (t) => {
  const registry = new Registry()
  addProcessMetrics(registry, '')
  const valueOf = async (name: string): Promise<number> => {
    const { values } = (await registry.getMetricsAsJSON()).find((one) => one.name === name) ?? { values: [] }
    return values[0]?.value ?? Number.NaN
  }
  const [user, system, all] = ['user_', 'system_', ''].map((part) => `process_cpu_${part}seconds_total`)
  const before = process.cpuUsage()
  while (process.cpuUsage(before).user < 20_000);
  const first = await valueOf(user ?? '')
  t.ok(first >= 0.02, `${first}`)
  while (process.cpuUsage(before).user < 40_000);
  const seen = await registry.getMetricsAsJSON()
  const of = (name = '') => Number(seen.find((one) => one.name === name)?.values[0]?.value)
  t.ok(of(user) >= first + 0.01, `${of(user)}`)
  t.ok(Math.abs(of(user) + of(system) - of(all)) < 1e-6)
})
