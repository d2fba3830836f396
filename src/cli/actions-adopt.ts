/** `tidewaiter actions adopt`: makes whoever asks the author of Actions whose spec came in another way. */
import { Command } from 'commander'
import { namePattern } from '../api/metadata.ts'
import { actsAs, callsOf, stampedFor } from '../core/adoption.ts'
import { compareNames } from '../core/order.ts'
import { textAt, type Json } from '../core/velero.ts'
import type { Resource } from '../kube/resource.ts'
import { acceptedOf, waitsForAdoption } from './accepted.ts'
import { adoptOne, type Adopted, type Adopting } from './adoption.ts'
import { inCluster, withClusterFlags, type ClusterFlags } from './cluster.ts'
import { clockOf } from './command.ts'
import { plain, plainLines } from './plain.ts'
import { screenOf } from './screen.ts'
import { table, type Column } from './table.ts'
import { strays, takingAll, tellUsage } from './usage.ts'
import type { CliWorld } from './world.ts'

type Flags = ClusterFlags & {
  readonly all: boolean
  readonly yes: boolean
  readonly dryRun: boolean
}

const more = `
An Action whose spec came in another way than through tidewaiter (out of a Restore, by a write while it was away, or
stamped with a key that is lost) is not run until somebody adopts it. Whoever does becomes its author: by their rights
it is judged, for example which Secrets it may use.

What it does: asks the API server, as a dry run, what the webhooks say to it; shows what each Action would call, and
as whom; asks; and adopts those that are as they were shown. Whoever may patch Actions may adopt them.

--all waits up to 15 s for the leader to look at what it has not looked at yet (after an install).

Exit codes: 0 all that were meant are adopted; 1 one was refused, is not there, or nothing was confirmed; 2 usage;
3 the cluster could not be asked; 4 could not start (kubeconfig, rights, no kinds of tidewaiter).`

/** The command. */
export function adoptCommand(world: CliWorld): Command {
  const command = withClusterFlags(takingAll(new Command('adopt')))
  return command
    .argument('[names...]', 'the names of Actions')
    .description('become the author of Actions whose spec came in another way, so that they are run')
    .option('--all', 'every Action of the namespace that waits for it', false)
    .option('-y, --yes', 'do not ask', false)
    .option('--dry-run', 'only say what would be adopted', false)
    .addHelpText('after', more)
    .action((names: readonly string[], flags: Flags) => {
      const problems = [...strays(command, names.length), ...problemsOf(names, flags, world)]
      if (problems.length > 0) return tellUsage(world, 'tidewaiter actions adopt', problems)
      return inCluster(flags, world, (cluster, signal) =>
        adopt(
          {
            names: [...new Set(names)],
            flags,
            actions: cluster.calls.own('actions', flags.namespace),
            signal,
          },
          world,
        ),
      )
    })
}

const isName = new RegExp(namePattern, 'u')

function problemsOf(all: readonly string[], flags: Flags, world: CliWorld): readonly string[] {
  const names = all.filter((one) => !one.startsWith('-'))
  const wrong = names.filter((one) => !isName.test(one))
  return [
    ...wrong.map((one) => `adopt wants names of Actions, got ${JSON.stringify(one)}`),
    ...(flags.all === names.length > 0 ? ['adopt wants either names of Actions or --all'] : []),
    ...(flags.yes || flags.dryRun || world.isTerminal('stdin')
      ? []
      : ['--yes must be given where nobody can be asked: stdin is no terminal']),
  ]
}

type Wish = {
  readonly names: readonly string[]
  readonly flags: Flags
  readonly actions: Resource<Json>
  readonly signal: AbortSignal
}

async function adopt(wish: Wish, world: CliWorld): Promise<void> {
  const { found, isWhole } = await meant(wish, world)
  const adopted = found.length === 0 ? 0 : await adoptThose(found, wish, world)
  world.exitCode(adopted === found.length && isWhole ? 0 : 1)
}

/** How many of them are adopted in the end; in a dry run, would be. */
async function adoptThose(found: readonly Json[], wish: Wish, world: CliWorld): Promise<number> {
  const { flags, actions, signal } = wish
  const mark = new Date(clockOf(world).now()).toISOString()
  const asked = await eachOf(found, { actions, signal, mark, dryRun: true })
  const may = asked.filter(isAdopted)
  tellRefused(asked, world)
  if (may.length === 0) return 0
  world.stdout(shown(may, world))
  if (flags.dryRun) return may.length
  if (!flags.yes && !(await confirmed(may, flags, { world, signal }))) {
    world.stderr('tidewaiter: nothing was adopted: not confirmed\n')
    return 0
  }
  const wanted = may.map(({ action }) => action)
  const done = await eachOf(wanted, { actions, signal, mark, dryRun: false }, (one) => tellDone(one, world))
  tellRefused(done, world)
  return done.filter(isAdopted).length
}

const isAdopted = ({ answer }: Asked): boolean => 'author' in answer

function tellDone({ action, answer }: Asked, world: CliWorld): void {
  if ('author' in answer) world.stdout(`${plain(`adopted ${nameOf(action)}, author ${answer.author}`)}\n`)
}

type Asked = { readonly action: Json; readonly answer: Adopted }

async function eachOf(
  actions: readonly Json[],
  adopting: Adopting,
  told: (one: Asked) => void = () => {},
): Promise<readonly Asked[]> {
  const all: Asked[] = []
  for (const action of actions) {
    const one = { action, answer: await adoptOne(action, adopting) }
    told(one)
    all.push(one)
  }
  return all
}

const nameOf = (action: Json): string => textAt(action, 'metadata', 'name')

const lookEveryMs = 500
const lookForMs = 15_000

/** The Actions that are meant and wait; what is not there or needs nothing is told. */
async function meant(wish: Wish, world: CliWorld) {
  const all = wish.flags.all ? await whenSeen(wish, world) : (await wish.actions.list(wish)).items
  const sorted = [...all].sort((a, b) => compareNames(nameOf(a), nameOf(b)))
  return wish.flags.all ? ofAll(sorted, wish, world) : ofNames(sorted, wish, world)
}

/** Every Action once the leader has looked at it, or after a while as they are. */
async function whenSeen({ actions, signal }: Wish, world: CliWorld): Promise<readonly Json[]> {
  const clock = clockOf(world)
  const endsAt = clock.now() + lookForMs
  for (;;) {
    const { items } = await actions.list({ signal })
    if (items.every((one) => acceptedOf(one).accepted !== 'Unknown') || clock.now() >= endsAt) return items
    await clock.sleep(lookEveryMs, signal)
  }
}

type Meant = { readonly found: readonly Json[]; readonly isWhole: boolean }

function ofAll(all: readonly Json[], { flags }: Wish, world: CliWorld): Meant {
  const unseen = all.filter((one) => acceptedOf(one).accepted === 'Unknown').map(nameOf)
  if (unseen.length > 0)
    world.stderr(
      plain(
        `tidewaiter: no leader has looked at ${unseen.join(', ')} yet, so it is not known whether they wait: see that a replica is ready, or name them`,
      ) + '\n',
    )
  const found = all.filter(waitsForAdoption)
  if (found.length === 0)
    world.stderr(`No Action in namespace ${plain(flags.namespace)} (-n) is known to wait to be adopted.\n`)
  return { found, isWhole: unseen.length === 0 }
}

function ofNames(all: readonly Json[], { names, flags }: Wish, world: CliWorld): Meant {
  const absent = names.filter((name) => !all.some((one) => nameOf(one) === name))
  for (const name of absent)
    world.stderr(
      `tidewaiter: there is no Action ${JSON.stringify(name)} in namespace ${plain(flags.namespace)}; \`actions list\` says which there are\n`,
    )
  const named = all.filter((one) => names.includes(nameOf(one)))
  const standing = named.filter((one) => acceptedOf(one).accepted === 'True')
  for (const one of standing)
    world.stderr(plain(`${nameOf(one)} needs nothing: its author is ${stampedFor(one)}`) + '\n')
  return { found: named.filter((one) => !standing.includes(one)), isWhole: absent.length === 0 }
}

function tellRefused(asked: readonly Asked[], world: CliWorld): void {
  for (const { action, answer } of asked) {
    if ('refused' in answer)
      world.stderr(`tidewaiter: ${plain(nameOf(action))} is not adopted: ${plainLines(answer.refused)}\n`)
    else for (const text of answer.warnings) world.stderr(`Warning: ${plain(`${nameOf(action)}: ${text}`)}\n`)
  }
}

const columns: readonly Column<Asked>[] = [
  { head: 'NAME', cell: ({ action }) => nameOf(action), whole: true },
  { head: 'STAGE', cell: ({ action }) => textAt(action, 'spec', 'stage') || '-' },
  { head: 'CALLS', cell: ({ action }) => callsOf(action) || '-', whole: true },
  { head: 'AS', cell: ({ action, answer }) => ('author' in answer ? actsAs(action, answer.author) : '-') },
  { head: 'BEFORE', cell: ({ action }) => stampedFor(action) || '-', spare: true },
]

const shown = (may: readonly Asked[], world: CliWorld): string =>
  table(columns, may, { screen: screenOf(world), headers: true, wide: false })

async function confirmed(
  may: readonly Asked[],
  { namespace }: Flags,
  { world, signal }: { readonly world: CliWorld; readonly signal: AbortSignal },
): Promise<boolean> {
  const what = may.length === 1 ? 'this Action' : `these ${may.length} Actions`
  const answer = await world.ask(`Adopt ${what} of namespace ${plain(namespace)}? [y/N] `, signal)
  return /^y(es)?$/iu.test(answer.trim())
}
