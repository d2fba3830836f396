/** JSON as Go prints it with %v, which is how errors show a strategic merge patch: `map[data:map[a:5]]`. */
import { isList, isObject, type Json } from '../json.ts'

/** The text of a value. */
export function goText(value: Json): string {
  if (value === null) return '<nil>'
  if (isList(value)) return `[${value.map(goText).join(' ')}]`
  if (!isObject(value)) return String(value)
  const pairs = Object.keys(value)
    .toSorted()
    .map((key) => `${key}:${goText(value[key] ?? null)}`)
  return `map[${pairs.join(' ')}]`
}
