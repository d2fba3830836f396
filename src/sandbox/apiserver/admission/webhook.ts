/** One call of one webhook: the AdmissionReview out, the verified response back. */
import { randomUUID } from 'node:crypto'
import { ApiError, badRequest } from '../errors/status.ts'
import { at, isObject, objectAt, textAt, textsAt, type Json, type JsonObject } from '../json.ts'
import type { World } from '../world.ts'
import type { Call } from './call.ts'
import { goWords, post, type Post, type Posted } from './http-post.ts'
import { requestOf } from './variables.ts'

/** A failed call, as opposed to a refusal: failurePolicy decides what it means. */
export class CallFailed extends Error {
  override readonly name = 'CallFailed'
}

/** What a webhook answered. */
export type Verdict = { readonly allowed: boolean; readonly result: JsonObject; readonly patch: string }

/** Whether a webhook may be called in a dry run; throws 400 if not. */
export function checkDryRun(hook: JsonObject, call: Call): void {
  if (call.dryRun && !['None', 'NoneOnDryRun'].includes(textAt(hook, 'sideEffects'))) {
    throw badRequest(`admission webhook ${JSON.stringify(textAt(hook, 'name'))} does not support dry run`)
  }
}

/** Calls a webhook; throws CallFailed. */
export async function callWebhook(
  world: World,
  hook: JsonObject,
  { call, mutating }: { readonly call: Call; readonly mutating: boolean },
): Promise<Verdict> {
  const uid = randomUUID()
  const name = textAt(hook, 'name')
  const fail = (why: string): CallFailed =>
    new CallFailed(`failed calling webhook ${JSON.stringify(name)}: ${why}`)
  const posted = await answer(world, hook, { call, uid }).catch((error: unknown) => {
    throw fail(`failed to call webhook: ${error instanceof Error ? error.message : String(error)}`)
  })
  const { response, problem } = verified(posted, uid, mutating)
  if (response === undefined) throw fail(problem)
  for (const warning of textsAt(response, 'warnings')) call.warn(warning)
  return {
    allowed: at(response, 'allowed') === true,
    result: objectAt(response, 'status'),
    patch: textAt(response, 'patch'),
  }
}

// rest.Request: up to 10 retries of 429 and 5xx with Retry-After, with the same body and so with the same uids.
const mostRetries = 10

async function answer(
  world: World,
  hook: JsonObject,
  { call, uid }: { readonly call: Call; readonly uid: string },
): Promise<Posted> {
  const seconds = at(hook, 'timeoutSeconds')
  const ms = Math.min((typeof seconds === 'number' ? seconds : 10) * 1000, call.endsAt - world.clock.now())
  if (ms <= 0) throw new Error('context deadline exceeded')
  const deadline = new AbortController()
  const release = world.clock.after(ms, () => deadline.abort())
  const target = targetOf(world, hook, Math.ceil(ms / 1000))
  const request: Post = {
    ...target,
    body: JSON.stringify(reviewOf(call, uid)),
    signal: AbortSignal.any([deadline.signal, call.signal]),
  }
  try {
    for (let tried = 0; ; tried += 1) {
      const posted = await post(request)
      const again = (posted.code === 429 || posted.code >= 500) && /^\d+$/.test(posted.retryAfter)
      if (!again || tried === mostRetries) return accepted(posted)
      await pause(world, Number(posted.retryAfter) * 1000, request.signal)
    }
  } catch (error) {
    if (error instanceof Refused) throw error
    throw new Error(`Post ${JSON.stringify(target.shown)}: ${goWords(error, target)}`, { cause: error })
  } finally {
    release()
  }
}

class Refused extends Error {}

// client-go's words for an HTTP status that is no success.
function accepted(posted: Posted): Posted {
  if (posted.code >= 200 && posted.code <= 206) return posted
  if (posted.code === 404) throw new Refused('the server could not find the requested resource')
  if (posted.code >= 500)
    throw new Refused(
      `an error on the server (${JSON.stringify(posted.body.slice(0, 2048).trim() || 'unknown')}) has prevented the request from succeeding`,
    )
  throw new Refused(`the server rejected our request for an unknown reason (${posted.code})`)
}

function pause(world: World, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const aborted = (): void => {
      cancel()
      reject(Object.assign(new Error('aborted'), { code: 'ABORT_ERR' }))
    }
    const cancel = world.clock.after(ms, () => {
      signal.removeEventListener('abort', aborted)
      resolve()
    })
    signal.addEventListener('abort', aborted, { once: true })
  })
}

type Target = Pick<Post, 'url' | 'connectTo' | 'servername' | 'agent'> & { readonly shown: string }

function targetOf(world: World, hook: JsonObject, seconds: number): Target {
  const client = objectAt(hook, 'clientConfig')
  const agent = world.webhooks.agentFor(textAt(client, 'caBundle'))
  const given = textAt(client, 'url')
  const base = given === '' ? serviceUrl(client) : given
  // As text, because URL leaves out :443, which the real server shows.
  const shown = `${base}?timeout=${seconds}s`
  const url = new URL(shown)
  const connectTo = given === '' ? standIn(world, client) : url
  return { url, shown, connectTo, servername: url.hostname, agent }
}

const portOf = (client: JsonObject): number => Number(at(client, 'service', 'port') ?? 443)

function serviceUrl(client: JsonObject): string {
  const [name, namespace] = [textAt(client, 'service', 'name'), textAt(client, 'service', 'namespace')]
  return `https://${name}.${namespace}.svc:${portOf(client)}${textAt(client, 'service', 'path') || '/'}`
}

function standIn(world: World, client: JsonObject): URL {
  const service = `${textAt(client, 'service', 'namespace')}/${textAt(client, 'service', 'name')}`
  const found =
    world.webhooks.services.get(`${service}:${portOf(client)}`) ?? world.webhooks.services.get(service)
  if (found === undefined) throw new Refused(`service ${JSON.stringify(service.split('/')[1])} not found`)
  return new URL(found)
}

function reviewOf(call: Call, uid: string): JsonObject {
  return {
    kind: 'AdmissionReview',
    apiVersion: 'admission.k8s.io/v1',
    request: { uid, ...requestOf(call), object: call.object ?? null, oldObject: call.oldObject ?? null },
  }
}

type Verified = { readonly response: JsonObject | undefined; readonly problem: string }

// apiserver pkg/admission/plugin/webhook/request: VerifyAdmissionResponse.
function verified(posted: Posted, uid: string, mutating: boolean): Verified {
  const review = parsed(posted.body)
  const invalid = (why: string): Verified => ({
    response: undefined,
    problem: `received invalid webhook response: ${why}`,
  })
  if (review === undefined)
    return {
      response: undefined,
      problem: "failed to call webhook: couldn't get version/kind; json parse error",
    }
  const response = at(review, 'response')
  if (!isObject(response)) return invalid('webhook response was absent')
  const got = textAt(response, 'uid')
  if (got !== uid) return invalid(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(got)}`)
  const [version, kind] = [textAt(review, 'apiVersion'), textAt(review, 'kind')]
  if (version !== 'admission.k8s.io/v1' || kind !== 'AdmissionReview') {
    return invalid(
      `expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got ${version.includes('/') ? version : `/${version}`}, Kind=${kind}`,
    )
  }
  const problem = patchProblem(response, mutating)
  return problem === undefined ? { response, problem: '' } : invalid(problem)
}

function patchProblem(response: JsonObject, mutating: boolean): string | undefined {
  const [patch, type] = [textAt(response, 'patch'), textAt(response, 'patchType')]
  if (!mutating) {
    if (patch !== '') return 'validating webhook may not return response.patch'
    return type === '' ? undefined : 'validating webhook may not return response.patchType'
  }
  if (patch !== '' && type === '') return 'webhook returned response.patch but not response.patchType'
  if (patch === '' && type !== '') return 'webhook returned response.patchType but not response.patch'
  return patch !== '' && type !== 'JSONPatch'
    ? `webhook returned invalid response.patchType of ${JSON.stringify(type)}`
    : undefined
}

function parsed(text: string): Json | undefined {
  try {
    // From outside: read with accessors that take nothing for granted.
    return JSON.parse(text) as Json
  } catch {
    // The caller says that this is no JSON.
    return undefined
  }
}

/** The refusal of a webhook (apiserver pkg/admission/plugin/webhook/errors: ToStatusErr). */
export function refusal(hook: JsonObject, { result }: Verdict): ApiError {
  const code = at(result, 'code')
  const [message, reason] = [textAt(result, 'message'), textAt(result, 'reason')]
  const denied = `admission webhook ${JSON.stringify(textAt(hook, 'name'))} denied the request`
  const why = message || reason
  return new ApiError({
    code: typeof code === 'number' && code >= 400 ? code : 400,
    reason,
    message: why === '' ? `${denied} without explanation` : `${denied}: ${why}`,
    details: isObject(at(result, 'details')) ? objectAt(result, 'details') : undefined,
  })
}
