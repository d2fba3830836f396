/** What a call as an account that failed means for the action: what was wanted, as whom, what was got, and what to do next. */
import type { Aim, Unacted } from '../actions/ports.ts'
import { causeOf } from '../actions/attempts.ts'
import { quoted } from '../actions/words.ts'
import { cutInside } from '../core/cut-inside.ts'
import { isKubeError, type KubeError } from '../kube/errors.ts'
import { resourceText, type ServedKind } from '../kube/discovery.ts'

/** A call as an account, in words. */
export type Wanted = {
  /** As RBAC calls it. */
  readonly verb: 'get' | 'list' | 'watch' | 'patch'
  readonly aim: Aim
  /** A name, or what selects. */
  readonly which: string
  /** Whether it is a name. */
  readonly isName: boolean
  readonly subresource?: string | undefined
  /** Whether an answer means that something was changed. */
  readonly changes: boolean
  /** `velero/shop-quiescer`. */
  readonly account: string
  readonly signal: AbortSignal
  /** Known once the API server has said which resource the kind is. */
  readonly served?: ServedKind | undefined
}

const longestSaid = 1024

/** What was wanted: `patch apps/v1 Deployment shop/web as ServiceAccount velero/shop-quiescer`. */
export function phraseOf({ verb, aim, which, subresource, account }: Wanted): string {
  const part = subresource === undefined ? '' : ` (${subresource})`
  const place = aim.namespace === undefined ? which : `${aim.namespace}/${which}`
  return `${verb} ${aim.apiVersion} ${aim.kind} ${place}${part} as ServiceAccount ${account}`
}

/** The failure that an error stands for; what is no answer of the API server is thrown on. */
export function unactedOf(error: unknown, wanted: Wanted): Unacted {
  const { signal, changes } = wanted
  const phrase = phraseOf(wanted)
  if (signal.aborted) {
    const failed = causeOf(signal)
    const why = failed === 'timeout' ? { why: failed } : {}
    const message = `${phrase}: ${failed === 'timeout' ? 'no answer in time' : 'stopped'}`
    return { failed, ...why, sent: changes, message }
  }
  if (!isKubeError(error)) throw error
  return ofAnswer(error, wanted, phrase)
}

function ofAnswer(error: KubeError, wanted: Wanted, phrase: string): Unacted {
  const { status, retryAfterMs } = error
  const sent = wanted.changes && error.sent && mayHaveChanged(error)
  if (error.code === 'UNAUTHORIZED')
    return {
      failed: 'internal',
      sent: false,
      message: `${phrase}: tidewaiter itself was not let in; see its log`,
    }
  if (status === undefined) return unanswered(error, sent, phrase)
  const said = quoted(cutInside(saidIn(error), longestSaid))
  if (isNotLetAct(error))
    return {
      failed: 'account',
      status,
      sent: false,
      message: `${phrase}: tidewaiter may not act for it, got ${status} ${said}. Name it in deploy/components/actors of the install, or another one here`,
    }
  return {
    failed: 'answer',
    status,
    why: String(status),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    sent,
    message: `${phrase} answered ${status} ${said}${nextFor(error, wanted)}`,
  }
}

function unanswered(error: KubeError, sent: boolean, phrase: string): Unacted {
  const message = `${phrase}: ${error.message}`
  if (error.code === 'NETWORK') return { failed: 'network', why: 'network', sent, message }
  if (error.code === 'TIMEOUT') return { failed: 'timeout', why: 'timeout', sent, message }
  return { failed: 'answer', sent, message }
}

/** A refusal of the API server (4xx) changed nothing, but 408 says that it gave up waiting for itself; an answer of 200 may be too large to be read. */
const mayHaveChanged = ({ status }: KubeError): boolean =>
  status === undefined || status < 400 || status >= 500 || status === 408

// apiserver/pkg/endpoints/filters/impersonation: the verb is impersonate, or since 1.35 impersonate-on:serviceaccount:<verb>.
const isNotLetAct = ({ code, message }: KubeError): boolean =>
  code === 'FORBIDDEN' && / cannot impersonate(-on:[^ ]+)? (resource|path) /.test(message)

/** The API server's own words: without the call, which the phrase names better, and without the whole objects that it shows. */
const saidIn = ({ message }: KubeError): string =>
  message
    .replace(/^[A-Z]+ \S+ answered \d+: /, '')
    .replaceAll(
      shownValue,
      (_all, before: string, value: string) => `${before}"${cutInside(value, longestValue)}"`,
    )

// apimachinery/pkg/util/validation/field/errors.go: a text as Go's %q has it; of a patch that is all of the object.
const shownValue = /(Invalid value: )"((?:[^"\\]|\\.)*)"/gs
const longestValue = 120

function nextFor({ code, causes }: KubeError, wanted: Wanted): string {
  const { verb, served, aim, subresource } = wanted
  if (causes.some(({ reason }) => reason === 'FieldManagerConflict'))
    return '. What another manager owns is taken over with force: true'
  if (code !== 'FORBIDDEN' || served === undefined) return ''
  const resource = resourceText(served, subresource)
  const where = aim.namespace === undefined ? '' : ` in namespace ${aim.namespace}`
  return `. Give the account the verb ${verb} on ${resource}${where}${orElse(wanted)}`
}

/** Why the right may seem to be there: RBAC answers the same where the account, or the name in a rule, is another. */
function orElse({ which, isName, account }: Wanted): string {
  const [namespace = '', name = ''] = account.split('/')
  const names = isName
    ? `for ${which}: a rule with resourceNames must hold this name`
    : 'for all of them: a rule with resourceNames does not allow it'
  return ` (${names}), and see that the account exists: kubectl -n ${namespace} get serviceaccount ${name}`
}
