/** `tidewaiter preflight`: declared plugins, their images and the cluster, checked before anything is installed. */
import { Command, Option } from 'commander'
import { parsePlatform } from '../core/plugin-check/platform.ts'
import { takingAll, strays, tellUsage } from './usage.ts'
import { declarationProblems, filenameOption, gather, proxyDomainOption } from './declarations.ts'
import { runPreflight } from './preflight-run.ts'
import { tellPreflight } from './preflight-told.ts'
import { untilStopped } from './command.ts'
import type { CliWorld } from './world.ts'

/** The flags. */
export type PreflightFlags = {
  readonly filename: readonly string[]
  readonly namespace: string | undefined
  readonly proxyDomain: string | undefined
  readonly registries: string | undefined
  readonly platform: readonly string[]
  readonly dockerConfig: string | undefined
  readonly cluster: boolean
  readonly kubeconfig: string | undefined
  readonly context: string | undefined
  readonly output: string
}

const more = `
Each check is a line: what it is about, its result (yes, no, or ? where it could not be found out), why in one word,
and in a sentence. -o json prints the same: {"ok", "checks": [{"subject": {"kind", "name"}, "check", "status":
"True"|"False"|"Unknown", "reason", "message"}], "plugins": [{"name", "declaredIn", "image", "enforcement",
"standing": "Ready"|"NotReady"|"Unknown", "digest"}], "warnings"}.

A pull secret is looked for among the -f files (data and stringData), then, with --cluster, in the cluster; where it
is in neither, the credentials of --docker-config stand in for it. Nothing is written anywhere.

Exit codes: 0 all yes; 1 a no or a ?; 2 usage; 3 the cluster could not be asked; 4 a file could not be read.`

/** The command. */
export function preflightCommand(world: CliWorld): Command {
  const command = takingAll(new Command('preflight'))
  return command
    .description('check declared Velero plugins, their images and the cluster before an install')
    .addOption(filenameOption('; Secrets among them are taken as pull secrets'))
    .option(
      '-n, --namespace <name>',
      "Velero's namespace; default: the one that VeleroPlugins name, or velero",
    )
    .addOption(proxyDomainOption())
    .option('--registries <file>', 'how registries are reached, and which are allowed: as for serve')
    .addOption(platformOption())
    .option('--docker-config <file>', 'credentials that stand in for pull secrets that are nowhere else')
    .option(
      '--cluster',
      'ask the cluster too: what an install needs, pull secrets, platforms of the nodes',
      false,
    )
    .option('--kubeconfig <file>', 'how to reach the cluster; default: as kubectl (this implies --cluster)')
    .option(
      '--context <name>',
      'a context of the kubeconfig other than the current one (this implies --cluster)',
    )
    .option('-o, --output <format>', 'table or json', 'table')
    .addHelpText('after', more)
    .action((flags: PreflightFlags) => {
      const asksCluster = flags.cluster || flags.kubeconfig !== undefined || flags.context !== undefined
      const given = { ...flags, cluster: asksCluster }
      const problems = [...strays(command), ...flagProblems(given)]
      if (problems.length > 0) return tellUsage(world, 'tidewaiter preflight', problems)
      return untilStopped(world, async (signal) =>
        tellPreflight(await runPreflight(given, world, signal), given.output, world),
      )
    })
}

const platformOption = (): Option =>
  new Option('--platform <os/arch>', 'a platform of the nodes: linux/amd64 (repeatable)')
    .argParser(gather)
    .default([], 'as --cluster says, or as this machine is')

const flagProblems = (flags: PreflightFlags): readonly string[] => [
  ...(flags.filename.length === 0 && !flags.cluster
    ? ['-f must name a file, a folder, or - for stdin, or --cluster be given: there is nothing to check']
    : []),
  ...declarationProblems(flags),
  ...flags.platform
    .filter((text) => parsePlatform(text) === undefined)
    .map((text) => `--platform must be OS/ARCHITECTURE[/VARIANT] such as linux/arm64, got "${text}"`),
  ...(['table', 'json'].includes(flags.output) ? [] : [`-o must be table or json, got "${flags.output}"`]),
]
