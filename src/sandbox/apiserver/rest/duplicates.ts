/** Fields that a JSON text has more than once: JSON.parse keeps the last one and says nothing. */

type Frame = {
  readonly path: string
  /** The keys of an object so far; undefined for a list. */
  readonly keys: Set<string> | undefined
  key: string
  index: number
  wantsKey: boolean
}

// A text unrolled, so that a long one needs no stack; what is between tokens is of no interest.
const token = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],]/gs
// apiserver tells of at most a hundred.
const most = 100

/** The paths of fields that are there twice; the text must be JSON. */
export function duplicateFields(text: string): readonly string[] {
  const found: string[] = []
  const frames: Frame[] = []
  for (const [part] of text.matchAll(token)) {
    const path = step(frames, part)
    if (path !== undefined) found.push(path)
    if (found.length === most) return found
  }
  return found
}

/** Takes one token in; the path of the field if it is there for the second time. */
function step(frames: Frame[], part: string): string | undefined {
  const top = frames.at(-1)
  if (part === '{' || part === '[') frames.push(opened(top, part === '{'))
  else if (part === '}' || part === ']') frames.pop()
  else if (part === ',') passed(top)
  else if (top?.wantsKey === true && noted(top, part)) return pathOf(top)
  return undefined
}

const opened = (parent: Frame | undefined, isObject: boolean): Frame => ({
  path: parent === undefined ? '' : pathOf(parent),
  keys: isObject ? new Set() : undefined,
  key: '',
  index: 0,
  wantsKey: isObject,
})

function passed(frame: Frame | undefined): void {
  if (frame === undefined) return
  frame.index += 1
  frame.wantsKey = frame.keys !== undefined
}

/** Takes a key in; whether it was there before. */
function noted(frame: Frame, quoted: string): boolean {
  const key = String(JSON.parse(quoted))
  const known = frame.keys?.has(key) === true
  frame.keys?.add(key)
  frame.key = key
  frame.wantsKey = false
  return known
}

function pathOf({ path, keys, key, index }: Frame): string {
  if (keys === undefined) return `${path}[${index}]`
  return path === '' ? key : `${path}.${key}`
}
