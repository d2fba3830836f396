/** `tidewaiter plan`: what would run before and after a Backup or Restore, and whether it would be admitted. */
import { Command } from 'commander'
import { withClusterFlags } from './cluster.ts'
import { withOutput } from './output.ts'
import { plan, type PlanFlags } from './plan-run.ts'
import { strays, takingAll } from './usage.ts'
import type { CliWorld } from './world.ts'

const gather = (value: string, before: readonly string[]): readonly string[] => [...before, value]

const more = `
What it does: asks for the Actions of the cluster (or takes them from files), and decides and renders as the
admission of the object would, with the same code. It writes nothing, calls nobody and reads no Secret. What
the API server gives a new object only when it is created (uid) is shown as zeros, and post actions are
rendered as if it had ended as Completed. Whether the name is taken, or a refusal of a moment ago still
holds, is not asked.

The API server is asked whether it knows every field, by a dry run of the creation, as kubectl does it: this user
needs the verb create for that. Without a cluster a field that Velero 1.18 does not have is a warning.

Lines with "now:" say whether an action could work at this moment, as far as this user may look (get on
serviceaccounts and leases, create on subjectaccessreviews): whether the kinds are there that it aims at, its
ServiceAccount, and the rights that this needs, and who has its exclusive key. Whether the objects are there, and
whether the install may act for the account (deploy/components/actors), is not asked.

Outputs that a Backup exported are believed if a key of --trusted-keys signed them, or one that the install has
published (tidewaiter keys show): in namespace tidewaiter, in velero, or in the namespace of the object.

--probe looks names of servers up, connects, and speaks TLS, but sends no request; and it reads, as this user,
whether Secrets are there, carry the label and the key, and may be read by the author of the Action. It sees
what can be seen from where it runs: names of Services are known inside the cluster only.

Exit codes: 0 all would be admitted; 1 one would be refused, a probe failed, or an action could not work now; 2 usage;
3 the cluster could not be asked; 4 could not start (kubeconfig, rights, files).`

/** The command. */
export function planCommand(world: CliWorld): Command {
  const command = withOutput(withClusterFlags(takingAll(new Command('plan'))))
  return command
    .description(
      'say what would run before and after a Backup or Restore, rendered, and whether it would be admitted',
    )
    .option(
      '-f, --filename <path>',
      'Backups, Restores, Schedules: a file, a folder, or - for stdin (repeatable)',
      gather,
      [],
    )
    .option(
      '--actions <path>',
      'without a cluster: with the Actions of a file or a folder (repeatable)',
      gather,
      [],
    )
    .option(
      '--trusted-keys <file>',
      'believe outputs that Backups exported if they are signed by a key of this file, as for serve (repeatable)',
      gather,
      [],
    )
    .option('--probe', 'look whether servers and Secrets that the actions need are there', false)
    .addHelpText('after', more)
    .action((flags: PlanFlags) => plan(flags, strays(command), world))
}
