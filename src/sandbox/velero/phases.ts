/** Reading and writing the parts of Velero's objects that controllers decide by. */
import { setAt, textAt, textMapAt, type Json, type JsonObject } from '../apiserver/json.ts'

/** status.phase; absent reads ''. */
export const phaseOf = (object: JsonObject | undefined): string => textAt(object, 'status', 'phase')

/** Whether Velero has not begun with it: no phase, or New. */
export const isNew = (object: JsonObject): boolean => ['', 'New'].includes(phaseOf(object))

/** The object with these fields of status; undefined removes one. */
export function withStatus(
  object: JsonObject,
  fields: Readonly<Record<string, Json | undefined>>,
): JsonObject {
  return Object.entries(fields).reduce((made, [key, value]) => setAt(made, ['status', key], value), object)
}

/** The object with these fields of spec. */
export function withSpec(object: JsonObject, fields: Readonly<Record<string, Json | undefined>>): JsonObject {
  return Object.entries(fields).reduce((made, [key, value]) => setAt(made, ['spec', key], value), object)
}

/** The object with these labels and annotations added. */
export function withMarks(
  object: JsonObject,
  marks: {
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  },
): JsonObject {
  const { labels, annotations } = marks
  const labelled =
    labels === undefined
      ? object
      : setAt(object, ['metadata', 'labels'], { ...textMapAt(object, 'metadata', 'labels'), ...labels })
  if (annotations === undefined) return labelled
  return setAt(labelled, ['metadata', 'annotations'], {
    ...textMapAt(object, 'metadata', 'annotations'),
    ...annotations,
  })
}
