/** What the pods of Velero say of themselves: whether one works, and what keeps one from starting. */
import { at, objectAt, textAt, textMapAt, type Json } from '../velero.ts'
import { veleroContainer } from './deployment.ts'
import { restartedAtOf } from './restart.ts'

/** What keeps a pod of Velero from starting. */
export type PodTrouble = {
  readonly pod: string
  /** The container or initContainer; '' where it is about the whole pod. */
  readonly container: string
  readonly reason: string
  readonly message: string
}

const listAt = (object: unknown, ...path: readonly string[]): readonly unknown[] => {
  const value = at(object, ...path)
  return Array.isArray(value) ? value : []
}

/** Whether a server of Velero runs in one of the pods: where none does, nothing is under way. */
export const isServing = (pods: readonly Json[]): boolean =>
  pods.some((pod) =>
    listAt(pod, 'status', 'containerStatuses').some(
      (one) => textAt(one, 'name') === veleroContainer && at(one, 'state', 'running') !== undefined,
    ),
  )

/** What keeps the pods of this template from starting; the pods of an earlier template are left out. */
export function troublesOf(pods: readonly Json[], deployment: Json): readonly PodTrouble[] {
  const wanted = restartedAtOf(objectAt(deployment, 'spec', 'template'))
  return pods
    .filter((pod) => restartedAtOf(pod) === wanted && !isLeaving(pod))
    .flatMap((pod) => [
      ...unscheduled(pod),
      ...stuck(pod, 'initContainerStatuses'),
      ...stuck(pod, 'containerStatuses'),
    ])
}

const isLeaving = (pod: Json): boolean => textAt(pod, 'metadata', 'deletionTimestamp') !== ''

function unscheduled(pod: Json): readonly PodTrouble[] {
  const condition = listAt(pod, 'status', 'conditions').find((one) => textAt(one, 'type') === 'PodScheduled')
  if (textAt(condition, 'status') !== 'False') return []
  return [
    {
      pod: nameOf(pod),
      container: '',
      reason: textAt(condition, 'reason'),
      message: textAt(condition, 'message'),
    },
  ]
}

const nameOf = (pod: Json): string => textAt(pod, 'metadata', 'name')

// A container waits for these on its usual way up.
const usual: ReadonlySet<string> = new Set(['', 'ContainerCreating', 'PodInitializing'])

function stuck(pod: Json, statuses: 'initContainerStatuses' | 'containerStatuses'): readonly PodTrouble[] {
  return listAt(pod, 'status', statuses).flatMap((status) => {
    const said = troubleOf(status)
    return said === undefined ? [] : [{ pod: nameOf(pod), container: textAt(status, 'name'), ...said }]
  })
}

function troubleOf(status: unknown): Pick<PodTrouble, 'reason' | 'message'> | undefined {
  const waiting = objectAt(status, 'state', 'waiting')
  const reason = textAt(waiting, 'reason')
  if (reason === 'CrashLoopBackOff')
    return { reason, message: endText(objectAt(status, 'lastState', 'terminated')) }
  if (!usual.has(reason)) return { reason, message: textAt(waiting, 'message') }
  const ended = objectAt(status, 'state', 'terminated')
  const code = at(ended, 'exitCode')
  return typeof code === 'number' && code !== 0
    ? { reason: textAt(ended, 'reason') || 'Error', message: endText(ended) }
    : undefined
}

function endText(ended: Json): string {
  const code = at(ended, 'exitCode')
  const said = textAt(ended, 'message').trim()
  const exit = typeof code === 'number' ? `it ended with ${code}` : 'it ends again and again'
  return said === '' ? exit : `${exit}: ${said}`
}

const longestShown = 500

/** `initContainer acme of pod velero-1: ErrImagePull: not found`. */
export function troubleText({ pod, container, reason, message }: PodTrouble): string {
  const who = container === '' ? `pod ${pod}` : `container ${container} of pod ${pod}`
  const said = message.replaceAll(/\s+/gu, ' ').slice(0, longestShown)
  return `${who}: ${reason}${said === '' ? '' : `: ${said}`}`
}

/** The labels by which a Deployment finds its pods, as a selector of a list. */
export function podSelector(deployment: Json): string {
  const labels = Object.entries(textMapAt(deployment, 'spec', 'selector', 'matchLabels'))
  const expressions = listAt(deployment, 'spec', 'selector', 'matchExpressions').map(expressionText)
  return [...labels.map(([key, value]) => `${key}=${value}`), ...expressions].join(',')
}

function expressionText(expression: unknown): string {
  const [key, operator] = [textAt(expression, 'key'), textAt(expression, 'operator')]
  const values = listAt(expression, 'values').map(String).join(',')
  switch (operator) {
    case 'In':
      return `${key} in (${values})`
    case 'NotIn':
      return `${key} notin (${values})`
    case 'DoesNotExist':
      return `!${key}`
    default:
      return key
  }
}
