/** One line of a watch as a value: kubernetes.io/docs/reference/using-api/api-concepts, "Efficient detection of changes". */
import { errorFromStatus, KubeError, objectIn, textIn } from './errors.ts'

/** What a line of a watch says. `initialEnd`: the bookmark after which the initial events are complete. */
export type WatchEvent =
  | { readonly type: 'put'; readonly object: unknown }
  | { readonly type: 'delete'; readonly object: unknown }
  | { readonly type: 'bookmark'; readonly resourceVersion: string; readonly initialEnd: boolean }
  | { readonly type: 'error'; readonly error: KubeError }

/** Reads a line; what is no event at all is a BAD_ANSWER. */
export function watchEventIn(line: string): WatchEvent {
  const event = objectIn(jsonIn(line))
  const object = event?.['object']
  switch (event?.['type']) {
    case 'ADDED':
    case 'MODIFIED':
      return { type: 'put', object }
    case 'DELETED':
      return { type: 'delete', object }
    case 'BOOKMARK':
      return bookmarkIn(object)
    case 'ERROR':
      return { type: 'error', error: errorFromStatus(objectIn(object) ?? {}, 'a watch') }
    default:
      throw badLine(line)
  }
}

function bookmarkIn(object: unknown): WatchEvent {
  const metadata = objectIn(objectIn(object)?.['metadata'])
  const resourceVersion = textIn(metadata?.['resourceVersion']) ?? ''
  if (resourceVersion === '')
    throw new KubeError('BAD_ANSWER', 'a bookmark must have a resourceVersion, got one without')
  const initialEnd = objectIn(metadata?.['annotations'])?.['k8s.io/initial-events-end'] === 'true'
  return { type: 'bookmark', resourceVersion, initialEnd }
}

function jsonIn(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch (cause) {
    throw badLine(line, cause)
  }
}

function badLine(line: string, cause?: unknown): KubeError {
  return new KubeError(
    'BAD_ANSWER',
    `a line of a watch must be an event in JSON, got ${JSON.stringify(line.slice(0, 100))}`,
    { cause },
  )
}
