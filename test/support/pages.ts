/** The reference pages that are made from the code and are not about our kinds: flags, metrics and reasons. */
import { knobs } from '../../src/knobs.ts'
import { reasons } from '../../src/core/reasons.ts'
import { addHistoryMetrics } from '../../src/observe/history-metrics.ts'
import { createMetrics } from '../../src/observe/metrics.ts'

const flags = (): string =>
  knobs
    .map(
      ({ flag, value, fallback, doc }) =>
        `- \`--${flag} ${value}\`${fallback === '' ? '' : ` (default \`${fallback}\`)`}: ${doc}`,
    )
    .join('\n')

/** Every metric that a process of ours can have. */
export function everyMetric() {
  const { registry } = createMetrics('0')
  addHistoryMetrics(registry, {
    progress: () => ({ reading: ['velero'], waiting: 0, lost: 0 }),
    extent: () => Promise.resolve({ records: 0, bytes: 0 }),
  })
  return registry.getMetricsAsArray()
}

const metrics = (): string =>
  everyMetric()
    .filter(({ name }) => !/^tidewaiter_(process|nodejs)_/.test(name))
    .map((metric) => `- \`${metric.name}\`: ${metric.help}`)
    .join('\n')

const meanings = (): string =>
  Object.entries(reasons)
    .map(([reason, meaning]) => `- \`${reason}\`: ${meaning}`)
    .join('\n')

const page = (title: string, about: string, list: string): string => `# ${title}\n\n${about}\n\n${list}\n`

/** The pages by file name, each without the mark of a generated file. */
export const pages = (): Readonly<Record<string, string>> => ({
  serve: page(
    'Flags of tidewaiter serve',
    `Each also as an environment variable: \`--listen\` is \`TIDEWAITER_LISTEN\`; one of that prefix that is no setting is ignored, and
told in the log. Everything that is wrong with the flags is told at once. Exit codes: 0 stopped cleanly, 2 usage, 3 the cluster could
not be asked, 4 could not start.`,
    flags(),
  ),
  metrics: page(
    'Metrics',
    `At \`--metrics-listen\`, with \`/healthz\` and \`/readyz\`. Labels are bounded: never the name of a Backup. Besides these there
are \`tidewaiter_process_*\` and \`tidewaiter_nodejs_*\`, of the process itself.`,
    metrics(),
  ),
  reasons: page(
    'Reasons of decisions',
    'As they stand in the audit log, in metrics and in `auditAnnotations`.',
    meanings(),
  ),
})
