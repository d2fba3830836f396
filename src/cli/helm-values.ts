/** `tidewaiter helm-values`: the declared plugins as values of the Velero chart, for installs without the webhook. */
import { Command } from 'commander'
import { stringify } from 'yaml'
import { baseFault, helmValues, mergedValues } from '../core/plugin/helm-values.ts'
import { collect, nothingDeclared, type LocatedProblem } from '../plugins/collect.ts'
import { readYaml } from '../plugins/yaml-text.ts'
import { StartError } from '../start-error.ts'
import { hash } from '../wiring/crypto.ts'
import { declarationProblems, filenameOption, gather, proxyDomainOption } from './declarations.ts'
import { readFile, readInputs } from './input-files.ts'
import { strays, takingAll, tellUsage } from './usage.ts'
import type { CliWorld } from './world.ts'

type Flags = {
  readonly filename: readonly string[]
  readonly values: readonly string[]
  readonly namespace: string | undefined
  readonly proxyDomain: string | undefined
  readonly output: string
}

/** The command. */
export function helmValuesCommand(world: CliWorld): Command {
  const command = takingAll(new Command('helm-values'))
  return command
    .description('check the declared Velero plugins, and print them as values of the Velero chart')
    .addOption(filenameOption())
    .option(
      '--values <file>',
      'values that the chart gets before these: their initContainers and pull secrets are repeated, for Helm replaces lists (repeatable)',
      gather,
      [],
    )
    .option('-n, --namespace <name>', 'only VeleroPlugins of this namespace')
    .addOption(proxyDomainOption())
    .option('-o, --output <format>', 'yaml or json', 'yaml')
    .action((flags: Flags) => {
      const problems = [...strays(command), ...flagProblems(flags)]
      return problems.length > 0 ? tellUsage(world, 'tidewaiter helm-values', problems) : print(flags, world)
    })
}

async function print(flags: Flags, world: CliWorld): Promise<void> {
  try {
    const texts = await readInputs(flags.filename, world)
    const base = await readBase(flags.values)
    const { namespace, proxyDomain } = flags
    const collected = collect(texts, { hash, namespace, proxyDomain })
    const problems = [...collected.problems, ...base.problems, ...nothingDeclared(collected, flags.filename)]
    if (problems.length > 0) return refuse(problems, world)
    const { plugins, overrides } = collected
    const made = helmValues({ plugins, base: base.value, overrides, proxyDomain, hash })
    for (const warning of [...collected.warnings, ...made.warnings, ...lostLists(flags, made.values)])
      world.stderr(`tidewaiter: warning: ${warning}\n`)
    world.stdout(written(made.values, flags.output))
    world.exitCode(0)
  } catch (error) {
    if (!(error instanceof StartError)) throw error
    world.stderr(`tidewaiter: ${error.message}\n`)
    world.exitCode(error.exitCode)
  }
}

const flagProblems = ({ filename, output, proxyDomain }: Flags): readonly string[] => [
  ...(filename.length === 0 ? ['-f must name a file, a folder, or - for stdin, got nothing'] : []),
  ...(['yaml', 'json'].includes(output) ? [] : [`-o must be yaml or json, got "${output}"`]),
  ...declarationProblems({ filename, proxyDomain }),
]

type Base = { readonly value: unknown; readonly problems: readonly LocatedProblem[] }

/** The values that come before ours, as Helm merges them. */
async function readBase(files: readonly string[]): Promise<Base> {
  let value: unknown = {}
  const problems: LocatedProblem[] = []
  for (const file of files) {
    const { documents, problems: unread } = readYaml(await readFile(file))
    const [document] = documents
    const fault = unread.length > 0 ? undefined : baseFault(document?.value ?? {})
    problems.push(...unread.map(({ line, message }) => ({ file, line, message: `the YAML ${message}` })))
    if (fault !== undefined)
      problems.push({
        file,
        line: document?.lineOf(fault.path) ?? 1,
        message: `${fault.path} must ${fault.want}`,
      })
    value = mergedValues(value, document?.value ?? {})
  }
  return { value, problems }
}

function refuse(problems: readonly LocatedProblem[], world: CliWorld): void {
  for (const { file, line, message } of problems) world.stderr(`${file}:${line}: ${message}\n`)
  const count = problems.length === 1 ? 'this problem' : `these ${problems.length} problems`
  world.stderr(`tidewaiter: no values: mend ${count}, and run again\n`)
  world.exitCode(1)
}

const lostLists = ({ values }: Flags, made: object): readonly string[] =>
  values.length > 0 || Object.keys(made).length === 0
    ? []
    : [
        'without --values: Helm replaces lists, so initContainers and image.imagePullSecrets of other values files are lost beside these',
      ]

// Helm reads YAML 1.1: texts like "on" are quoted.
const written = (values: object, output: string): string =>
  output === 'json'
    ? `${JSON.stringify(values, null, 2)}\n`
    : stringify(values, { version: '1.1', lineWidth: 0, singleQuote: true, aliasDuplicateObjects: false })
