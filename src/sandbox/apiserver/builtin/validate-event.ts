/** Events: loose in core/v1, strict in events.k8s.io/v1 (kubernetes pkg/apis/core/validation/events.go). */
import { required, wrong, type FieldError } from '../errors/field.ts'
import { at, own, textAt, type JsonObject } from '../json.ts'
import { eventStored } from '../resources/events.ts'
import { qualifiedProblems } from '../rest/names.ts'

/** The problems of an Event of either group. */
export function eventProblems(object: JsonObject, before: JsonObject | undefined): readonly FieldError[] {
  const isNew = textAt(object, 'apiVersion') === 'events.k8s.io/v1'
  const event = isNew ? eventStored(object) : object
  const legacy = textAt(event, 'eventTime') === '' ? placeProblems(event) : timedProblems(event, isNew)
  return isNew && before === undefined ? [...legacy, ...strictProblems(event)] : legacy
}

const place = 'involvedObject.namespace'

function placeProblems(event: JsonObject): readonly FieldError[] {
  const own = textAt(event, 'metadata', 'namespace')
  const about = textAt(event, 'involvedObject', 'namespace')
  const fits = about === '' ? own === 'default' : own === about
  return fits ? [] : [wrong(place, about, 'does not match event.namespace')]
}

const longest = { reportingInstance: 128, action: 128, reason: 128, message: 1024 } as const

function timedProblems(event: JsonObject, isNew: boolean): readonly FieldError[] {
  const controller = textAt(event, 'reportingComponent')
  const field = isNew ? 'reportingController' : 'reportingComponent'
  const about = textAt(event, 'involvedObject', 'namespace')
  const isAtHome = about !== '' || ['default', 'kube-system'].includes(textAt(event, 'metadata', 'namespace'))
  return [
    ...(isAtHome ? [] : [wrong(place, about, 'does not match event.namespace')]),
    ...(controller === '' ? [required(field)] : []),
    ...qualifiedProblems(controller).map((problem) => wrong(field, controller, problem)),
    ...Object.entries(longest).flatMap(([name, most]) => textProblems(event, name, most)),
  ]
}

function textProblems(event: JsonObject, name: string, most: number): readonly FieldError[] {
  const text = textAt(event, name)
  if (text.length > most) return [wrong(name, '', `can have at most ${most} characters`)]
  return text === '' && name !== 'message' ? [required(name)] : []
}

const old = ['firstTimestamp', 'lastTimestamp', 'count'] as const

function strictProblems(event: JsonObject): readonly FieldError[] {
  const type = textAt(event, 'type')
  const given = old.filter((name) => ![undefined, null, 0].some((none) => own(event, name) === none))
  const source = textAt(event, 'source', 'component') + textAt(event, 'source', 'host')
  return [
    ...(at(event, 'eventTime') === undefined ? [required('eventTime')] : []),
    ...(['Normal', 'Warning'].includes(type) ? [] : [wrong('type', '', `has invalid value: ${type}`)]),
    ...given.map((name) => wrong(name, '', 'needs to be unset')),
    ...(source === '' ? [] : [wrong('source', '', 'needs to be unset')]),
  ]
}
