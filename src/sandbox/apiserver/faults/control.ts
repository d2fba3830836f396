/** POST /sandbox/faults: the same faults for tests in another process. Only for system:masters. */
import { badRequest } from '../errors/status.ts'
import { at, objectAt, textAt, textMapAt, type Json } from '../json.ts'
import { parseJson } from '../rest/body.ts'
import { json, type Answer, type Request } from '../rest/request.ts'
import type { Effect, Fault, Faults } from './faults.ts'

/** The path under which faults are asked for. */
export const faultsPath = '/sandbox/faults'

/** Adds the fault of a POST; DELETE takes all away. */
export function controlFaults(faults: Faults, request: Request): Answer {
  if (request.method === 'DELETE') {
    faults.clear()
    return json({ cleared: true })
  }
  const asked = parseJson(request.body)
  if (at(asked, 'dropWatches') === true)
    return json({ dropped: faults.dropWatches(textMapAt(asked, 'match')) })
  if (at(asked, 'thaw') === true) faults.thaw()
  else faults.add(faultOf(asked))
  return json({ added: true })
}

function faultOf(asked: Json): Fault {
  const [nth, times] = [at(asked, 'nth'), at(asked, 'times')]
  return {
    match: textMapAt(asked, 'match'),
    ...(typeof nth === 'number' ? { nth } : {}),
    ...(typeof times === 'number' ? { times } : {}),
    effect: effectOf(objectAt(asked, 'effect')),
  }
}

function effectOf(asked: Json): Effect {
  const kind = textAt(asked, 'kind')
  const number = (name: string): number => {
    const value = at(asked, name)
    if (typeof value !== 'number')
      throw badRequest(`effect.${name} must be a number for ${kind}, got ${JSON.stringify(value ?? null)}`)
    return value
  }
  switch (kind) {
    case 'cut':
    case 'cut-answer':
    case 'freeze':
    case 'skip-bookmarks':
      return { kind }
    case 'delay':
      return { kind, ms: number('ms') }
    case 'drop-watch':
      return { kind, afterEvents: number('afterEvents') }
    case 'answer':
      return answerEffect(asked, number)
    default:
      throw badRequest(
        `effect.kind must be one of cut, cut-answer, delay, answer, freeze, drop-watch, skip-bookmarks, got ${JSON.stringify(kind)}`,
      )
  }
}

function answerEffect(asked: Json, number: (name: string) => number): Effect {
  const [reason, message] = [textAt(asked, 'reason'), textAt(asked, 'message')]
  return {
    kind: 'answer',
    code: number('code'),
    ...(reason === '' ? {} : { reason }),
    ...(message === '' ? {} : { message }),
    ...(at(asked, 'retryAfterSeconds') === undefined
      ? {}
      : { retryAfterSeconds: number('retryAfterSeconds') }),
  }
}
