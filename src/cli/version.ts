/** `tidewaiter version`: what runs here. */
import { Command } from 'commander'
import { strays, takingAll, tellUsage } from './usage.ts'
import type { CliWorld } from './world.ts'

/** The command. */
export function versionCommand(world: CliWorld): Command {
  return takingAll(new Command('version'))
    .description('print the version')
    .option('-o, --output <format>', 'text or json', 'text')
    .action(({ output }: { readonly output: string }, command: Command) => {
      const problems = [
        ...strays(command),
        ...(['text', 'json'].includes(output) ? [] : [`--output must be text or json, got "${output}"`]),
      ]
      if (problems.length > 0) tellUsage(world, 'tidewaiter version', problems)
      else if (output === 'json') world.stdout(`${JSON.stringify({ version: world.version })}\n`)
      else world.stdout(`tidewaiter ${world.version}\n`)
    })
}
