/** Checks the images of declared plugins before anything is installed. */
import { pullSecretToldFrom } from '../core/plugin/preflight.ts'
import type { DeclaredPlugin } from '../core/plugin/declared.ts'
import type { PluginFindings } from '../core/plugin/findings.ts'
import { checkPlugin } from './check.ts'
import type { CheckPorts, PullSecret } from './ports.ts'

/** Where the pull secret of a plugin may come from. */
export type SecretFound =
  | { readonly secret: PullSecret | undefined }
  /** Credentials that stand in for it, and what they are called. */
  | { readonly secret: PullSecret; readonly standIn: string }
  /** Nobody knows whether there is one: a phrase after "got:". */
  | { readonly unread: string }

/** The world of a preflight. */
export type PreflightPorts = Omit<CheckPorts, 'secretOf'> & {
  readonly findSecret: (name: string, signal: AbortSignal) => Promise<SecretFound>
  /** The digest that a plugin is pinned to already, if it is. */
  readonly pinnedBefore: (plugin: DeclaredPlugin) => string | undefined
  readonly signal: AbortSignal
  /** Told after each image. */
  readonly onChecked: (done: number) => void
}

const mostAtOnce = 4
/** For one image: a registry that is slow gets its retries. */
const imageMs = 60_000

/** Checks all of them, in their order. */
export async function checkAll(
  plugins: readonly DeclaredPlugin[],
  ports: PreflightPorts,
): Promise<readonly PluginFindings[]> {
  const found = new Map<DeclaredPlugin, PluginFindings>()
  const waiting = [...plugins]
  const worker = async () => {
    for (let plugin = waiting.shift(); plugin !== undefined; plugin = waiting.shift()) {
      found.set(plugin, await checkOne(plugin, ports))
      ports.onChecked(found.size)
    }
  }
  await Promise.all(Array.from({ length: mostAtOnce }, worker))
  return plugins.flatMap((plugin) => found.get(plugin) ?? [])
}

async function checkOne(plugin: DeclaredPlugin, ports: PreflightPorts): Promise<PluginFindings> {
  const { signal, findSecret } = ports
  let from: SecretFound | undefined
  const secretOf = async (name: string, until: AbortSignal): Promise<PullSecret | undefined> => {
    from = await findSecret(name, until)
    if ('unread' in from) throw new Error(from.unread)
    return from.secret
  }
  const pinnedBefore = ports.pinnedBefore(plugin)
  const findings = await checkPlugin(
    { plugin, pinnedBefore, signal, timeoutMs: imageMs },
    { ...ports, secretOf },
  )
  signal.throwIfAborted()
  return { ...findings, results: findings.results.map((result) => told(result, plugin, from)) }
}

function told(
  result: PluginFindings['results'][number],
  { imagePullSecret = '' }: DeclaredPlugin,
  from: SecretFound | undefined,
) {
  return from !== undefined && ('unread' in from || 'standIn' in from)
    ? pullSecretToldFrom(result, imagePullSecret, from)
    : result
}
