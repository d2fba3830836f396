/** Admission in the order of the real server: mutating webhooks; then, on what is about to be stored, policies and validating webhooks. */
import { internal, timedOut, type ApiError } from '../errors/status.ts'
import { isObject, same, textAt, type Json, type JsonObject } from '../json.ts'
import { jsonPatch, PatchFailed, undecodable } from '../patch/json-patch.ts'
import { jsonProblem } from '../rest/body.ts'
import type { World } from '../world.ts'
import type { Call } from './call.ts'
import { hooksOf, isFor, type Hook } from './hooks.ts'
import { checkPolicies } from './policies.ts'
import { callWebhook, CallFailed, checkDryRun, refusal, type Verdict } from './webhook.ts'

/** Runs what may change an object; gives what it became. */
export async function admit(world: World, call: Call): Promise<JsonObject> {
  const hooks = hooksOf(world, 'mutatingwebhookconfigurations')
  const first = await round(world, hooks, { call, again: undefined })
  // One more round for those that asked for it, if a later one changed what they had seen.
  const second =
    first.again.size === 0
      ? first
      : await round(world, hooks, { call: { ...call, object: first.object }, again: first.again })
  return second.object ?? {}
}

type Round = { readonly call: Call; readonly again: ReadonlySet<string> | undefined }

async function round(
  world: World,
  hooks: readonly Hook[],
  { call, again }: Round,
): Promise<{ object: JsonObject | undefined; again: ReadonlySet<string> }> {
  let { object } = call
  const called = new Set<string>()
  const outdated = new Set<string>()
  for (const hook of hooks) {
    const now = { ...call, object }
    if ((again !== undefined && !again.has(hook.id)) || !isFor(world, hook, now)) continue
    const changed = (await mutate(world, hook, now)) ?? object
    if (!same(changed, object)) for (const id of called) outdated.add(id)
    object = changed
    if (textAt(hook.webhook, 'reinvocationPolicy') === 'IfNeeded') called.add(hook.id)
  }
  return { object, again: again === undefined ? outdated : new Set() }
}

async function mutate(world: World, { webhook }: Hook, call: Call): Promise<JsonObject | undefined> {
  const verdict = await asked(world, { webhook, call, mutating: true })
  if (verdict === undefined) return undefined
  if (!verdict.allowed) throw refusal(webhook, verdict)
  if (verdict.patch === '') return undefined
  const name = JSON.stringify(textAt(webhook, 'name'))
  if (call.object === undefined) {
    throw internal(
      `admission webhook ${name} attempted to modify the object, which is not supported for this operation`,
    )
  }
  return patched(call.object, { name, encoded: verdict.patch })
}

const patchTypes = { list: 'jsonpatch.Patch', operation: 'jsonpatch.Operation' }

function patched(
  object: JsonObject,
  { name, encoded }: { readonly name: string; readonly encoded: string },
): JsonObject {
  const undecoded = (why: string): ApiError =>
    internal(`failed calling webhook ${name}: received undecodable patch in webhook response: ${why}`)
  const patch = operationsIn(encoded, undecoded)
  const problem = undecodable(patch, patchTypes)
  if (problem !== undefined) throw undecoded(problem)
  const result = applied(object, patch)
  if (!isObject(result)) throw internal('the patched object is no object')
  return result
}

function operationsIn(encoded: string, undecoded: (why: string) => ApiError): Json {
  try {
    // From outside: judged by `undecodable`.
    return JSON.parse(Buffer.from(encoded, 'base64').toString('utf8')) as Json
  } catch (error) {
    throw undecoded(jsonProblem(error))
  }
}

function applied(object: JsonObject, patch: Json): Json {
  try {
    return jsonPatch(object, patch)
  } catch (error) {
    throw error instanceof PatchFailed ? internal(error.why) : error
  }
}

/** Runs what may refuse an object: policies first, then validating webhooks at once. */
export async function review(world: World, call: Call): Promise<void> {
  checkPolicies(world, call)
  const hooks = hooksOf(world, 'validatingwebhookconfigurations').filter((hook) => isFor(world, hook, call))
  const results = await Promise.allSettled(hooks.map((hook) => validate(world, hook, call)))
  const failed = results.find((one) => one.status === 'rejected')
  if (failed !== undefined) throw failed.reason
  if (hooks.length > 0) call.signal.throwIfAborted()
}

async function validate(world: World, { webhook }: Hook, call: Call): Promise<void> {
  const verdict = await asked(world, { webhook, call, mutating: false })
  if (verdict !== undefined && !verdict.allowed) throw refusal(webhook, verdict)
}

type Asking = { readonly webhook: JsonObject; readonly call: Call; readonly mutating: boolean }

async function asked(world: World, { webhook, call, mutating }: Asking): Promise<Verdict | undefined> {
  checkDryRun(webhook, call)
  try {
    return await callWebhook(world, webhook, { call, mutating })
  } catch (error) {
    if (!(error instanceof CallFailed)) throw error
    if (textAt(webhook, 'failurePolicy') !== 'Ignore') throw internal(error.message)
    // The webhook's own time may be over without harm; the request's may not.
    if (world.clock.now() >= call.endsAt) throw timedOut('request did not complete within requested timeout')
    return undefined
  }
}
