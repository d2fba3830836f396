/** The parts of the README that are made from the code: flags, metrics and reasons. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { knobs } from '../../src/config.ts'
import { reasons } from '../../src/core/reasons.ts'
import { createMetrics } from '../../src/observe/metrics.ts'

const flags = (): string =>
  knobs
    .map(
      ({ flag, value, fallback, doc }) =>
        `- \`--${flag} ${value}\`${fallback === '' ? '' : ` (default \`${fallback}\`)`}: ${doc}`,
    )
    .join('\n')

const metrics = (): string =>
  createMetrics('0')
    .registry.getMetricsAsArray()
    .filter(({ name }) => !/^tidewaiter_(process|nodejs)_/.test(name))
    .map((metric) => `- \`${metric.name}\`: ${metric.help}`)
    .join('\n')

const meanings = (): string =>
  Object.entries(reasons)
    .map(([reason, meaning]) => `- \`${reason}\`: ${meaning}`)
    .join('\n')

const sections: Readonly<Record<string, () => string>> = { flags, metrics, reasons: meanings }

/** The README with its made parts as they must be. */
export function readmeOf(root: string): string {
  return withSections(readFileSync(join(root, 'README.md'), 'utf8'), sections)
}

/** A page with what is between its marks made anew: `<!-- flags -->` ... `<!-- /flags -->`. */
export function withSections(text: string, made: Readonly<Record<string, () => string>>): string {
  return Object.entries(made).reduce(
    (before, [name, make]) =>
      before.replace(
        new RegExp(`<!-- ${name} -->[\\s\\S]*<!-- /${name} -->`),
        () => `<!-- ${name} -->\n\n${make()}\n\n<!-- /${name} -->`,
      ),
    text,
  )
}
