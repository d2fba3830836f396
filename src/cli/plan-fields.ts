/** Whether what a plan is for has fields that nobody knows: the API server is asked, or, without one, what Velero is known to have. */
import { meant, noField } from '../core/action-check.ts'
import { knownFields, strangersIn, type UnknownField } from '../core/fields.ts'
import { at, textAt } from '../core/velero.ts'
import type { KubeClient } from '../kube/client.ts'
import { isKubeError, type KubeError } from '../kube/errors.ts'
import type { LocatedProblem } from '../plugins/collect.ts'
import { veleroPath, veleroPlural } from '../wiring/kinds.ts'
import type { Reached } from '../wiring/reach.ts'
import { plain } from './plain.ts'
import type { Located } from './plan-documents.ts'
import type { CliWorld } from './world.ts'

/** What is most likely wrong: another version of Velero may have more fields than the one that is known. */
export const fieldDoubts = (one: Located): readonly LocatedProblem[] =>
  strangers(one).map((field) => ({
    file: one.file,
    line: one.lineOf(field.path),
    message: noField(field),
  }))

function strangers({ value }: Located): readonly UnknownField[] {
  switch (value['kind']) {
    case 'Restore':
      return strangersIn(value, knownFields.restore)
    case 'Schedule':
      return strangersIn({ spec: { template: at(value, 'spec', 'template') } }, schedule)
    default:
      return strangersIn(value, knownFields.backup)
  }
}

const schedule = { spec: { template: knownFields.backup['spec'] ?? 'any' } }

/** Every problem that the API server has with the fields of these objects; that it could not be asked is a warning. */
export async function wrongFields(
  all: readonly Located[],
  { client }: Pick<Reached, 'client'>,
  { world, signal }: { readonly world: CliWorld; readonly signal: AbortSignal },
): Promise<readonly LocatedProblem[]> {
  const checked: Checked[] = []
  for (const one of all) checked.push(await check(one, client, signal))
  for (const why of new Set(checked.flatMap(({ unasked }) => unasked ?? [])))
    world.stderr(`tidewaiter: warning: whether all fields are known could not be asked: ${plain(why)}\n`)
  return checked.flatMap(({ problems }) => problems)
}

type Checked = { readonly problems: readonly LocatedProblem[]; readonly unasked?: string }

const plurals: Readonly<Record<string, string>> = { ...veleroPlural, Schedule: 'schedules' }

/**
 * Asks for a dry run of its creation, as kubectl does: nothing is stored. The API server refuses a field that it does not know
 * before it asks anybody else; what webhooks and policies say of the rest is not looked at, nor whether the name is taken.
 */
async function check(one: Located, client: KubeClient, signal: AbortSignal): Promise<Checked> {
  const { value: body } = one
  const path = veleroPath(plurals[textAt(body, 'kind')] ?? '', textAt(body, 'metadata', 'namespace'))
  const query = { dryRun: 'All', fieldValidation: 'Strict' }
  try {
    await client.request<unknown>({ method: 'POST', path, query, body, retry: false, signal })
  } catch (error) {
    if (!isKubeError(error) || unanswered.has(error.code)) throw error
    if (error.code === 'INVALID') return { problems: problemsIn(error, one) }
    if (error.code === 'FORBIDDEN') return { problems: [], unasked: error.message }
  }
  return { problems: [] }
}

// A webhook may take its time, and then the fields were good.
const unanswered: ReadonlySet<string> = new Set(['NETWORK', 'UNAUTHORIZED', 'TOO_MANY'])

function problemsIn(error: KubeError, one: Located): readonly LocatedProblem[] {
  const located = (path: string, message: string) => ({ file: one.file, line: one.lineOf(path), message })
  const strict = [...error.message.matchAll(/\b(?:unknown|duplicate) field "([^"]+)"/g)]
  if (error.message.includes('strict decoding error: ') && strict.length > 0) {
    const known = strangers(one)
    return strict.map(([said, path = '']) => {
      const field = known.find((stranger) => stranger.path === path)
      return located(path, `the API server refuses the ${said}${field === undefined ? '' : meant(field)}`)
    })
  }
  // '<nil>' is said of rules that were not asked because of the others.
  const causes = error.causes.filter(({ field = '<nil>' }) => field !== '<nil>')
  if (causes.length === 0) return [located('kind', `the API server refuses it: ${error.message}`)]
  return causes.map(({ field = '', message = '' }) =>
    located(field, `the API server refuses it: ${field}: ${message}`),
  )
}
