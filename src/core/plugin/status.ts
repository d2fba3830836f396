/** The status of a VeleroPlugin: what its checks found, and what became of it. */
import { imageChecks, pluginConditions, type VeleroPluginStatus } from '../../api/velero-plugin.ts'
import { conditionOf, isSaid, type Condition, type Said, type Word } from '../condition.ts'
import { inOrder, type CheckResult } from '../plugin-check/result.ts'
import { carrierOf } from './carried.ts'
import { standingOf, type PluginFindings } from './findings.ts'
import { injectedOf } from './injected.ts'
import type { VeleroDeployment } from './rollout.ts'

/** What is known of a VeleroPlugin. */
export type PluginFacts = {
  readonly namespace: string
  readonly generation: number
  readonly status: VeleroPluginStatus | undefined
  /** Its findings; or, a sentence each, what is wrong with its declaration. */
  readonly known: PluginFindings | { readonly problems: readonly string[] }
  /** The Deployments that run Velero in its namespace; undefined: not read yet. */
  readonly deployments: readonly VeleroDeployment[] | undefined
}

// The CRD lets a message have 32 KiB; nobody reads so much of one.
const longestMessage = 1000

/** The status that the facts ask for; undefined if it stands already. */
export function pluginStatus(facts: PluginFacts, now: number): VeleroPluginStatus | undefined {
  const said = wordsOf(facts).map((one) => saidOf(one, facts.generation))
  const before = new Map<string, Condition>((facts.status?.conditions ?? []).map((one) => [one.type, one]))
  const fields = fieldsOf(facts)
  const stands =
    facts.status?.digest === fields.digest &&
    facts.status?.initContainer === fields.initContainer &&
    before.size === said.length &&
    said.every((one) => isSaid(before.get(one.type), one))
  return stands
    ? undefined
    : {
        observedGeneration: facts.generation,
        ...fields,
        conditions: said.map((one) => conditionOf(one, before.get(one.type), now)),
      }
}

const saidOf = ([type, { message, ...word }]: readonly [string, Word], observedGeneration: number): Said => ({
  type,
  ...word,
  message: message.length > longestMessage ? `${message.slice(0, longestMessage)}...` : message,
  observedGeneration,
})

function fieldsOf(facts: PluginFacts): Pick<VeleroPluginStatus, 'digest' | 'initContainer'> {
  const digest = pinOf(facts)
  const initContainer = initContainerOf(facts)
  return {
    ...(digest === undefined ? {} : { digest }),
    ...(initContainer === undefined ? {} : { initContainer }),
  }
}

/** What is pinned: the digest that was right once for this generation. What never was is in the words of the checks alone. */
function pinOf({ known, status, generation }: PluginFacts): string | undefined {
  const kept = status?.observedGeneration === generation ? status.digest : undefined
  if ('problems' in known) return kept
  return standingOf(known) === 'Ready' || known.digest === kept ? known.digest : undefined
}

function initContainerOf({ known, deployments = [] }: PluginFacts): string | undefined {
  if ('problems' in known) return undefined
  const carriers = deployments.flatMap(({ template }) => carrierOf(template, known.plugin) ?? [])
  return carriers[0]?.name ?? known.plugin.initContainer
}

function wordsOf(facts: PluginFacts): readonly (readonly [string, Word])[] {
  const { known } = facts
  const results = 'problems' in known ? inOrder([undeclared(known.problems)]) : known.results
  const injected = 'problems' in known ? notDeclared : injectedOf(facts, known)
  const words: Readonly<Record<string, Word>> = {
    ...Object.fromEntries(results.map((one) => [one.check, wordOf(one)])),
    Ready: 'problems' in known ? wordOf(undeclared(known.problems)) : readyOf(known),
    Injected: injected,
    RolledOut: rolledOutOf(injected, facts.deployments ?? []),
  }
  return pluginConditions.flatMap((type) => {
    const word = words[type]
    return word === undefined ? [] : [[type, word] as const]
  })
}

const yesNo = (ok: boolean | undefined): Word['status'] =>
  ok === undefined ? 'Unknown' : ok ? 'True' : 'False'

const wordOf = ({ ok, reason, message }: CheckResult): Word => ({ status: yesNo(ok), reason, message })

const undeclared = (problems: readonly string[]): CheckResult => ({
  check: 'ReferenceValid',
  ok: false,
  reason: 'Invalid',
  message: problems.join('; '),
})

const notDeclared: Word = {
  status: 'Unknown',
  reason: 'Invalid',
  message: 'its declaration must be mended first: what Velero carries of it stays as it is',
}

function readyOf(known: PluginFindings): Word {
  const standing = standingOf(known)
  if (standing === 'Ready')
    return { status: 'True', reason: 'Ready', message: `every check lets it be used, at ${known.digest}` }
  const isNo = standing === 'NotReady'
  const first = known.results.find(
    ({ check, ok }) => check !== 'TagUnmoved' && (isNo ? ok === false : ok === undefined),
  )
  const what =
    known.plugin.enforcement === 'Warn'
      ? 'It is injected all the same: enforcement is Warn'
      : 'It is not injected until that is mended'
  return {
    status: isNo ? 'False' : 'Unknown',
    reason: first?.reason ?? 'NotChecked',
    message: `${first === undefined ? 'not looked at yet' : `${first.check}: ${first.message}`}. ${what}`,
  }
}

// --- what became of it ---

function rolledOutOf(injected: Word, deployments: readonly VeleroDeployment[]): Word {
  if (injected.status !== 'True')
    return {
      status: injected.status,
      reason: 'NotInjected',
      message: 'it is not in the pod template of Velero',
    }
  const rolling = deployments.flatMap(({ name, rollout }) =>
    rollout.isDone ? [] : [`Deployment ${name}: ${rollout.phrase}`],
  )
  return rolling.length === 0
    ? { status: 'True', reason: 'RolledOut', message: 'every pod of Velero runs it' }
    : { status: 'False', reason: 'RollingOut', message: rolling.join('; ') }
}

// --- and back ---

/** The findings that stand in a status, if it speaks of this generation: what a restart does not forget. */
export function storedFindings(
  status: VeleroPluginStatus | undefined,
  generation: number,
): { readonly digest: string | undefined; readonly results: readonly CheckResult[] } | undefined {
  if (status?.observedGeneration !== generation) return undefined
  const results = imageChecks.flatMap((check) => {
    const found = status.conditions?.find(
      (one) => one.type === check && one.observedGeneration === generation,
    )
    return found === undefined
      ? []
      : [{ check, ok: okOf(found), reason: found.reason, message: found.message }]
  })
  return { digest: status.digest, results: inOrder(results) }
}

const okOf = ({ status }: Pick<Condition, 'status'>): boolean | undefined =>
  status === 'Unknown' ? undefined : status === 'True'
