/** Events of core/v1 on Velero's objects and on ours. One that cannot be written is logged and forgotten: the record is the ActionRun. */
import { group, version } from '../api/schema.ts'
import { cutToBytes, longestEvent } from '../core/bytes.ts'
import type { EventNote } from '../control/ports.ts'
import { ownLabels } from '../core/registration.ts'
import type { Json } from '../core/velero.ts'
import type { Clock } from '../clock.ts'
import { isKubeError } from '../kube/errors.ts'
import type { Log } from '../log.ts'
import { hash } from './crypto.ts'
import type { Calls } from './kinds.ts'

/** What writing an Event needs. */
export type EventWorld = {
  readonly calls: Pick<Calls, 'events'>
  readonly clock: Pick<Clock, 'now'>
  readonly log: Pick<Log, 'warn'>
  readonly owner: string
}

/** Writes an Event; the same one again is left as it is, one of a series is brought up to date. */
export async function writeEvent(world: EventWorld, note: EventNote): Promise<void> {
  const events = world.calls.events(note.regarding.namespace)
  const event = eventOf(world, note)
  try {
    await events.create(event)
  } catch (error) {
    if (!isKubeError(error, 'ALREADY_EXISTS')) return notWritten(world, note, error)
    if (note.series === undefined) return
    const { message, count, firstTimestamp, lastTimestamp } = event
    try {
      await events.mergePatch(event.metadata.name, { message, count, firstTimestamp, lastTimestamp })
    } catch (second) {
      notWritten(world, note, second)
    }
  }
}

const notWritten = (world: EventWorld, { regarding }: EventNote, error: unknown): void =>
  world.log.warn({ err: error, regarding }, 'an Event could not be written')

const iso = (ms: number): string => new Date(ms).toISOString()

function eventOf(world: EventWorld, { regarding, series, ...note }: EventNote) {
  const now = world.clock.now()
  const { cause, count, firstAt, lastAt } = series ?? {
    cause: note.message,
    count: 1,
    firstAt: now,
    lastAt: now,
  }
  const name = `${regarding.name.slice(0, 200)}.${hash(`${regarding.uid}${note.reason}${cause}`).slice(0, 16)}`
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name, namespace: regarding.namespace, labels: ownLabels },
    involvedObject: {
      apiVersion: regarding.kind === 'VeleroPlugin' ? `${group}/${version}` : 'velero.io/v1',
      ...regarding,
    },
    type: note.type,
    reason: note.reason,
    message: cutToBytes(note.message, longestEvent),
    source: { component: 'tidewaiter' },
    reportingComponent: 'tidewaiter.io/controller',
    reportingInstance: world.owner.slice(0, 128),
    firstTimestamp: iso(firstAt),
    lastTimestamp: iso(lastAt),
    count,
  } satisfies Json
}
