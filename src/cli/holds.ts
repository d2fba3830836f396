/** `tidewaiter holds`: Backups and Restores that Velero may not start yet. */
import { Command, Option } from 'commander'
import { namePattern } from '../api/metadata.ts'
import { abortPatch, releasePatch } from '../core/hold/patches.ts'
import { unfinishedIn } from '../core/hold/standing.ts'
import type { VeleroKind } from '../core/velero.ts'
import { withClusterFlags } from './cluster.ts'
import { liftHold, progressLines, type Held, type Lift, type LiftFlags } from './holds-lift.ts'
import { holdsListed, type HoldsFlags } from './holds-list.ts'
import { withTable } from './output.ts'
import { strays, takingAll } from './usage.ts'
import type { CliWorld } from './world.ts'

/** The command. */
export function holdsCommand(world: CliWorld): Command {
  return new Command('holds')
    .description('Backups and Restores that Velero may not start before their actions have ended')
    .addCommand(listCommand(world))
    .addCommand(releaseCommand(world))
    .addCommand(abortCommand(world))
}

const aboutList = `
HELD is since when, LEFT is how long it may still be held before it fails. STANDING is what it waits for: its turn (Velero
has room for few at a time; in the order of their creation), an exclusive key that another object has, or an action that
runs. It needs to list backups, restores and actionruns, and looks at Velero's Deployment for --concurrent-backups.`

function listCommand(world: CliWorld): Command {
  const command = withTable(withClusterFlags(takingAll(new Command('list'))))
  return command
    .description('list what is held, in the order in which turns come')
    .option('-A, --all-namespaces', 'of every namespace')
    .addHelpText('after', aboutList)
    .action((flags: HoldsFlags) => holdsListed(flags, strays(command), world))
}

const aboutRights = `
It needs the verbs release on actionruns (tidewaiter.io) and patch on backups or restores (velero.io).

Exit codes: 0 done; 1 not held, refused, or you said no; 2 usage; 3 the cluster could not be asked; 4 could not start
(kubeconfig, rights).`

const aboutRelease = `
What it does: takes the annotation tidewaiter.io/hold off, so that Velero starts the object. An action that runs is cut
short, those after it do not run. Actions with an undo are undone once Velero has ended.
${aboutRights}`

const aboutAbort = `
What it does: sets the annotation tidewaiter.io/abort, with your name and the reason. The leader then cuts the action that
runs short, ends the object as FailedValidation with both in status.validationErrors, and undoes what was done. The hold
stands until then. Without a leader nothing happens: kubectl delete does the same as soon as there is one again.
${aboutRights}`

const held = (command: Command): Command =>
  withClusterFlags(takingAll(command))
    .argument('[name]', 'the name of the Backup or Restore')
    .addOption(new Option('--kind <kind>', 'backup or restore').default('backup', 'backup'))
    .option('-y, --yes', 'do not ask', false)

type Flags = Omit<LiftFlags, 'kind'> & { readonly kind: string; readonly reason?: string }

function releaseCommand(world: CliWorld): Command {
  const command = held(new Command('release'))
  return command
    .description('let Velero start a held object without the actions that have not ended')
    .addHelpText('after', aboutRelease)
    .action((name: string | undefined, flags: Flags) => run(command, name, { flags, world, lift: release }))
}

function abortCommand(world: CliWorld): Command {
  const command = held(new Command('abort'))
  return command
    .description('make a held object fail instead of starting, and undo what its actions did')
    .option('--reason <text>', 'why, for the record')
    .addHelpText('after', aboutAbort)
    .action((name: string | undefined, flags: Flags) =>
      run(command, name, { flags, world, lift: abort(flags.reason) }),
    )
}

function run(
  command: Command,
  name: string | undefined,
  { flags, world, lift }: { readonly flags: Flags; readonly world: CliWorld; readonly lift: Lift },
): Promise<void> {
  const kind = kinds[flags.kind.toLowerCase()]
  const problems = [
    ...strays(command, 1),
    ...nameProblems(lift.verb, name),
    ...(kind === undefined ? [`--kind must be backup or restore, got ${JSON.stringify(flags.kind)}`] : []),
  ]
  return liftHold(lift, name ?? '', { flags: { ...flags, kind: kind ?? 'Backup' }, problems, world })
}

const kinds: Readonly<Record<string, VeleroKind>> = {
  backup: 'Backup',
  backups: 'Backup',
  restore: 'Restore',
  restores: 'Restore',
}

const isName = new RegExp(namePattern, 'u')

function nameProblems(verb: string, name: string | undefined): readonly string[] {
  if (name !== undefined && isName.test(name)) return []
  const got = name === undefined || name.startsWith('-') ? 'nothing' : JSON.stringify(name)
  return [`${verb} wants the name of a Backup or Restore, got ${got}`]
}

function without({ run: of }: Held): string {
  if (of === undefined) return 'without any action'
  const { running, waiting } = unfinishedIn(of)
  const names = [...running, ...waiting]
  return names.length === 0 ? 'now' : `without ${names.join(', ')}`
}

const release: Lift = {
  verb: 'release',
  told: ({ run: of }) => [
    ...progressLines(of),
    'Released, it starts without those that are not done; what has an undo is undone after it has ended.',
  ],
  question: (one) => `Let Velero start ${one.title} ${without(one)}?`,
  patch: (live) => releasePatch(live, {}),
  done: (one) => `${one.title} is released: Velero starts it ${without(one)}`,
}

/** It stands in conditions, Events and tables. */
const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim()

const abort = (reason = ''): Lift => ({
  verb: 'abort',
  told: ({ run: of }) => [
    ...progressLines(of),
    'Aborted, it ends as FailedValidation and never starts; what was done is undone where an action has an undo.',
  ],
  question: ({ title }) => `Make ${title} fail instead of starting?`,
  patch: (live, user) => abortPatch(live, [user, oneLine(reason)].filter((said) => said !== '').join(': ')),
  done: ({ title, run: of }) =>
    `${title} is being aborted: the leader ends it as FailedValidation` +
    (of === undefined ? '' : `; \`runs show ${of.metadata.name}\` says what is undone`),
})
