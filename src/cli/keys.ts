/** `tidewaiter keys`: the public keys by which other clusters believe what Backups of this one export. */
import { Command } from 'commander'
import { StartError } from '../start-error.ts'
import { keysFor, keysPublishedIn, usualPlaces, type FoundKeys } from '../wiring/found-keys.ts'
import type { Calls } from '../wiring/kinds.ts'
import { keySetIn, publishedLabel, publishedName } from '../wiring/published-keys.ts'
import { inCluster, withReachFlags, type ReachFlags } from './cluster.ts'
import { plain, plainLines } from './plain.ts'
import { strays, takingAll, tellUsage } from './usage.ts'
import type { CliWorld } from './world.ts'

const more = `
What it does: prints the public keys as a JSON Web Key Set: the key that signs now, and those before it. Nothing in
it is secret. Give it to the other cluster as a file of --trusted-keys.

They are in a ConfigMap: tidewaiter-keys in tidewaiter's namespace, or, of an install outside the cluster,
tidewaiter-dev-ID-keys in Velero's. It is found by its name or its label ${publishedLabel.join('=')}; without -n in
namespace tidewaiter first, then in velero.

It needs the right to get the ConfigMap tidewaiter-keys or the one of --config-map, or to list ConfigMaps there.`

/** The namespace, and the name, of an install in the cluster. */
const usual = 'tidewaiter'

type KeysFlags = ReachFlags & {
  readonly namespace: string | undefined
  readonly configMap: string | undefined
}

/** The command. */
export function keysCommand(world: CliWorld): Command {
  return new Command('keys')
    .description('the keys that sign the outputs which Backups of this cluster export')
    .addCommand(showCommand(world))
}

function showCommand(world: CliWorld): Command {
  const command = withReachFlags(
    takingAll(new Command('show'))
      .option(
        '-n, --namespace <name>',
        "where tidewaiter publishes them; default: namespace tidewaiter, then Velero's (velero)",
      )
      .option('--config-map <name>', 'the ConfigMap that holds them; default: found by name or label'),
  )
  return command
    .description('print the public keys of this cluster, for --trusted-keys of others')
    .addHelpText('after', more)
    .action((flags: KeysFlags) => showKeys(flags, strays(command), world))
}

async function showKeys(flags: KeysFlags, problems: readonly string[], world: CliWorld): Promise<void> {
  if (problems.length > 0) return tellUsage(world, 'tidewaiter keys show', problems)
  await inCluster(flags, world, async ({ calls }) => {
    const { namespace, configMap } = flags
    const keys =
      configMap === undefined
        ? await found(calls, namespace === undefined ? usualPlaces : [namespace])
        : await named(calls, namespace ?? usual, configMap)
    if ('text' in keys) world.stdout(plainLines(keys.text))
    const told = 'none' in keys ? keys.none : configMap === undefined ? whose(keys) : undefined
    if (told !== undefined) world.stderr(`tidewaiter: ${plain(told)}\n`)
    world.exitCode('none' in keys ? 1 : 0)
  })
}

/** Whoever passes keys on must know whose they are, where these are not those of the usual install. */
const whose = ({ namespace, name }: FoundKeys): string | undefined =>
  namespace === usual && name === publishedName(usual)
    ? undefined
    : `these are of the ConfigMap ${namespace}/${name}`

/** The keys, or why there are none to print. */
type Chosen = FoundKeys | { readonly none: string }

async function found(calls: Calls, places: readonly string[]): Promise<Chosen> {
  const refused: string[] = []
  // The first place that has any: fewer people may write into tidewaiter's namespace than into Velero's.
  for (const place of places) {
    const looked = await keysPublishedIn(calls, place)
    refused.push(...looked.refused.map(({ message }) => message))
    const keys = await keysFor(calls, [place], looked.found)
    const [first] = keys
    if (first !== undefined) return keys.every(({ text }) => text === first.text) ? first : several(keys)
  }
  const none = noneIn(places)
  if (refused.length === 0) return { none }
  throw new StartError(4, `${none}. This user may not look everywhere: ${refused.join('; ')}`)
}

const several = (keys: readonly FoundKeys[]): Chosen => {
  const [{ namespace } = { namespace: '' }] = keys
  const names = keys.map(({ name }) => name).join(', ')
  return {
    none: `one install must have published keys in namespace ${namespace}, got several: ${names}; name one: -n ${namespace} --config-map NAME`,
  }
}

const noneIn = (places: readonly string[]): string =>
  `published keys must be in namespace ${places.join(' or ')} (-n), in the ConfigMap ${publishedName(usual)} or one with the label ${publishedLabel.join('=')} (--config-map), and were not found: the leader writes them in the first minute`

async function named({ configMaps }: Calls, namespace: string, name: string): Promise<Chosen> {
  const text = keySetIn(await configMaps(namespace).find(name))
  if (text !== undefined) return { namespace, name, text }
  return {
    none: `namespace ${namespace} (-n) must hold the ConfigMap ${name} (--config-map) with a set of keys, and does not: the leader writes it in the first minute`,
  }
}
