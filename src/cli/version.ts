/** `tidewaiter version`: what runs here. */
import { Command } from 'commander'
import type { CliWorld } from './world.ts'

/** The command. */
export function versionCommand(world: CliWorld): Command {
  return new Command('version')
    .description('print the version')
    .option('-o, --output <format>', 'text or json', 'text')
    .action(({ output }: { readonly output: string }) => {
      if (output === 'json') world.stdout(`${JSON.stringify({ version: world.version })}\n`)
      else if (output === 'text') world.stdout(`tidewaiter ${world.version}\n`)
      else {
        world.stderr(`tidewaiter: -o must be text or json, got "${output}"\n`)
        world.exitCode(2)
      }
    })
}
