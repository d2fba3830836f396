/** One text for each value of JSON: what is signed or hashed must not depend on the order in which fields were written. */

/** JSON with sorted keys, so that equal values give equal text. For values of JSON alone: what has a `toJSON` is none. */
export function canonical(value: unknown): string {
  // What has nothing within, and stands in order, JSON writes at once: a third of the time.
  if (typeof value !== 'object' || value === null || isAtOnce(value)) return JSON.stringify(value) ?? 'null'
  return Array.isArray(value) ? `[${listed(value)}]` : `{${fielded(value as Fields)}}`
}

// Appended, not joined: what is deep in the value would be copied once for each level.
function listed(values: readonly unknown[]): string {
  let text = ''
  for (const value of values) text += `${text === '' ? '' : ','}${canonical(value)}`
  return text
}

function fielded(fields: Fields): string {
  let text = ''
  // In the order of UTF-16 units, as `sort` has it unless told.
  for (const key of Object.keys(fields).sort()) {
    if (fields[key] === undefined) continue
    text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${canonical(fields[key])}`
  }
  return text
}

const isAtOnce = (value: object): boolean =>
  Array.isArray(value) ? value.every(isPlain) : isFlatAndSorted(value as Fields)

type Fields = Readonly<Record<string, unknown>>

const isPlain = (value: unknown): boolean =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' || value === null

function isFlatAndSorted(fields: Fields): boolean {
  let last = ''
  for (const key of Object.keys(fields)) {
    if (key < last || !isPlain(fields[key])) return false
    last = key
  }
  return true
}
