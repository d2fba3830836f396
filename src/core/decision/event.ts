/** From what was decided to what is recorded of it: bounded, redacted, and with all that makes decisions the same apart. */
import type { DecisionDetail, DecisionEvent, DecisionSpec } from '../../api/admission-decision.ts'
import type { Hash } from '../author.ts'
import { canonical } from '../canonical.ts'
import { bytesOf, cutToBytes, jsonBytesOf } from '../bytes.ts'
import type { Decided } from './decided.ts'
import { redacted } from './redact.ts'

/** An event that has no place in a chain yet: its number is 0. */
export type LooseEvent = Omit<DecisionEvent, 'digest' | 'chain'>

/** What is recorded of one decision. */
export type Noted = {
  readonly spec: DecisionSpec
  readonly event: LooseEvent
  readonly detail: DecisionDetail
}

/** Who decided, and by which key it is signed. */
export type Decider = { readonly replica: string; readonly key: string; readonly hash: Hash }

// Names of Kubernetes have at most 253 characters, which is what the rest of the record is measured for.
const longestName = 253
const longestUser = 256
const longestMessage = 640

// The same is said again and again: of the groups of who asks, and of why an Action does not match.
const mostRemembered = 512
const remembered = new Map<string, string>()

/** As `said`, for what comes again. */
function saidAgain(text: string, most: number): string {
  const key = `${most} ${text}`
  const known = remembered.get(key)
  if (known !== undefined) return known
  const fresh = said(text, most)
  if (text.length > most) return fresh
  if (remembered.size >= mostRemembered) remembered.clear()
  remembered.set(key, fresh)
  return fresh
}

// What names and uids are made of is no credential, and takes no more room as JSON.
const plain = /^[0-9a-z.-]*$/

/** The text in so many bytes of JSON, without what looks like a credential. */
function said(text: string, most: number): string {
  if (text.length <= most && plain.test(text)) return text
  // What is cut off must not be half of a credential: it is taken out first, but of what could matter only.
  const clean = redacted(text.slice(0, most * 4))
  let room = most
  let kept = cutToBytes(clean, room)
  // Quotes and line ends take more room as JSON.
  while (bytesOf(JSON.stringify(kept)) - 2 > most && room > 16) {
    room = Math.floor(room * 0.8)
    kept = cutToBytes(clean, room)
  }
  return kept
}

/** A text that identifies; what is too long ends in a hash, so that two of them stay two. */
const identity = (text: string, most: number, hash: Hash): string =>
  bytesOf(text) <= most ? text : `${cutToBytes(text, most - 24)} sha256:${hash(text).slice(0, 16)}`

/** What is recorded of a decision by this replica. */
export function noted(decided: Decided, by: Decider): Noted {
  const spec = specOf(decided, by)
  const { name, request, uid, run } = decided
  // In the order of their names, which is how they are hashed.
  const bare = {
    ...(decided.message === '' ? {} : { message: said(decided.message, longestMessage) }),
    milliseconds: Math.max(0, Math.round(decided.ms)),
    name: said(name || decided.generateName, longestName),
    patches: decided.patches,
    request: said(request, 64),
    ...(run === undefined ? {} : { run: said(run, longestName) }),
    seq: 0,
    time: new Date(decided.at).toISOString(),
    ...(uid === '' ? {} : { uid: said(uid, 64) }),
    warnings: decided.warnings,
  }
  const { seq: _seq, ...measured } = bare
  const detail = detailOf(decided, roomFor(spec, measured))
  return { spec, detail, event: { detail: by.hash(canonical(detail)), ...bare } }
}

function specOf(decided: Decided, { replica, key, hash }: Decider): DecisionSpec {
  const { webhook, operation, apiGroup, kind, verdict, reason, schedule, generateName, name, action } =
    decided
  // A Schedule names its Backups anew each time, and so does the API server: their own names do not count.
  const [bySchedule, byApiServer] = [schedule !== '', schedule === '' && generateName !== '']
  const isNamed = schedule === '' && generateName === '' && name !== ''
  const named = (text: string) => identity(text, longestName, hash)
  // In the order of their names, which is how they are hashed.
  return {
    ...(action === undefined ? {} : { action: named(action) }),
    ...(apiGroup === '' ? {} : { apiGroup: cutToBytes(apiGroup, longestName) }),
    ...(byApiServer ? { generateName: named(generateName) } : {}),
    key,
    kind: cutToBytes(kind, 63),
    ...(isNamed ? { name: named(name) } : {}),
    operation,
    reason: cutToBytes(reason, 64),
    replica: cutToBytes(replica, 280),
    ...(bySchedule ? { schedule: named(schedule) } : {}),
    user: identity(decided.user, longestUser, hash),
    verdict,
    webhook: cutToBytes(webhook, 63),
  }
}

/** A record has at most so many bytes of JSON. */
export const largestRecord = 8 * 1024
/** Of that: metadata and signature, the numbers, the lost and the waiting ones, and the first event at its largest. */
const reserved = 700 + 1024 + 1000 + 1750
const largestDetail = 2560

const roomFor = (spec: DecisionSpec, event: object): number =>
  Math.min(largestDetail, largestRecord - reserved - jsonBytesOf(spec) - jsonBytesOf(event))

const mostGroups = 16

/** What fits: groups, then what was sent and got, then what was found of each Action; and a word about the rest. */
function detailOf(
  { groups, considered, unconsidered = 0, calls, run }: Decided,
  room: number,
): DecisionDetail {
  const others = unconsidered === 0 ? [] : [askForOthers(unconsidered)]
  let left = room - 160 - bytesOf(others.join(''))
  const take = <T extends object | string>(all: readonly T[], most: number): readonly T[] => {
    const taken: T[] = []
    for (const one of all.slice(0, most)) {
      const bytes = bytesOf(JSON.stringify(one)) + 1
      if (bytes > left) break
      left -= bytes
      taken.push(one)
    }
    return taken
  }
  const keptGroups = take(
    groups.map((one) => saidAgain(one, 256)),
    mostGroups,
  )
  const sent = take(
    calls.map((one) => ({
      ...one,
      ...(one.request === undefined ? {} : { request: said(one.request, 480) }),
      ...(one.answer === undefined ? {} : { answer: said(one.answer, 320) }),
    })),
    64,
  )
  // What matched matters most where not all have room.
  const found = take(
    [...considered]
      .sort((a, b) => Number(a.found === 'NotMatched') - Number(b.found === 'NotMatched'))
      .map((one) => (one.because === undefined ? one : { ...one, because: saidAgain(one.because, 240) })),
    64,
  )
  const without = missing({
    groups: groups.length - keptGroups.length,
    calls: calls.length - sent.length,
    'Actions that were looked at': considered.length - found.length,
  })
  const whole = run === undefined ? '' : ` The ActionRun ${run} has every call in full.`
  const cut = [...(without === '' ? [] : [`No room for ${without}.${whole}`]), ...others].join(' ')
  return {
    ...(keptGroups.length === 0 ? {} : { groups: keptGroups }),
    ...(found.length === 0 ? {} : { considered: found }),
    ...(sent.length === 0 ? {} : { calls: sent }),
    ...(cut === '' ? {} : { cut: cutToBytes(cut, 400) }),
  }
}

const askForOthers = (count: number): string =>
  `${count} Actions more ask for other Schedules, labels or namespaces: tidewaiter plan tells what each asks for.`

const missing = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([what, count]) => `${count} ${what}`)
    .join(', ')
