/** Which triples there are, which were covered, and which comes next. */
import { faultsOf, kindOf, textOf, type Fault, type Triple } from './faults.ts'

/** What one run is to meet. */
export type Plan = {
  readonly scenario: string
  readonly armed: readonly Triple[]
  readonly why: 'clean' | 'trace' | 'systematic' | 'random'
}

/** A call site in a phase as it was seen: by an object of which scenario (empty: by the process), after which faults. */
export type Sighting = {
  readonly scenario: string
  readonly site: string
  readonly phase: string
  readonly after: readonly Triple[]
}

type Wanted = {
  readonly triple: Triple
  readonly scenario: string
  readonly after: readonly Triple[]
  readonly fromTrace: boolean
  tries: number
}

// Some calls are made only now and then, and one that is to be killed may be of a process that dies already.
const mostTries = 8
/** What was seen only after many faults is left to chance. */
const mostBefore = 1

/** A source of numbers in [0, 1) that gives the same ones for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const kills = ({ fault }: Triple): boolean => fault.startsWith('killed')
const rank = ({ fromTrace, triple }: Wanted): number => (fromTrace ? 2 : 0) + (kills(triple) ? 1 : 0)

/** Where faults may be, and which: no other call meets one. */
export type Only = { readonly sites: RegExp; readonly faults: RegExp }

/** The book of triples. */
export class Coverage {
  readonly #known = new Map<string, Wanted>()
  readonly #covered = new Map<string, number>()
  /** What waits, by scenario; of the process under the empty name. */
  readonly #waiting = new Map<string, Wanted[]>()
  readonly #sites = new Map<string, Map<string, Omit<Triple, 'fault'>>>()
  readonly #only: Only
  #asked = 0
  isTracing = true

  constructor(only: Only = { sites: /^/, faults: /^/ }) {
    this.#only = only
  }

  #faultsAt(site: string): readonly Fault[] {
    return faultsOf(kindOf(site)).filter((fault) => this.#only.faults.test(fault))
  }

  see({ scenario, site, phase, after }: Sighting): void {
    if (!this.#only.sites.test(site)) return
    const key = `${site} | ${phase}`
    const sites = this.#sites.get(scenario) ?? new Map<string, Omit<Triple, 'fault'>>()
    this.#sites.set(scenario, sites)
    if (sites.has(key)) return
    sites.set(key, { site, phase })
    if (after.length > mostBefore) return
    for (const fault of this.#faultsAt(site)) {
      const triple = { site, phase, fault }
      if (this.#known.has(textOf(triple))) continue
      const wanted = { triple, scenario, after, fromTrace: this.isTracing, tries: 0 }
      this.#known.set(textOf(triple), wanted)
      this.#waiting.set(scenario, [...(this.#waiting.get(scenario) ?? []), wanted])
    }
  }

  /** The next triple for an object of this scenario; undefined if every one was covered or tried often enough. */
  next(scenario: string, mayKill: boolean): Plan | undefined {
    // Kills are rare: those of calls that are about no object have their share of them.
    const isForProcess = mayKill && (this.#asked += 1) % 3 === 0
    const [first, second] = isForProcess ? ['', scenario] : [scenario, '']
    const wanted = this.#take(first, mayKill) ?? this.#take(second, mayKill)
    if (wanted === undefined) return undefined
    wanted.tries += 1
    return { scenario, armed: [...wanted.after, wanted.triple], why: 'systematic' }
  }

  /** The first that may be: of those that clean traces show before the others, and a kill while there may be one. */
  #take(scenario: string, mayKill: boolean): Wanted | undefined {
    const open = (this.#waiting.get(scenario) ?? []).filter(
      ({ triple }) => !this.#covered.has(textOf(triple)),
    )
    this.#waiting.set(scenario, open)
    const may = open.filter((wanted) => mayKill || (!kills(wanted.triple) && !wanted.after.some(kills)))
    const [first] = may.sort((a, b) => rank(b) - rank(a))
    if (first !== undefined) open.splice(open.indexOf(first), 1)
    return first
  }

  /** What came of a plan. */
  played({ armed }: Plan, fired: readonly Triple[]): void {
    for (const triple of fired)
      this.#covered.set(textOf(triple), (this.#covered.get(textOf(triple)) ?? 0) + 1)
    for (const triple of armed) {
      const wanted = this.#known.get(textOf(triple))
      if (wanted === undefined || this.#covered.has(textOf(triple)) || wanted.tries >= mostTries) continue
      this.#waiting.get(wanted.scenario)?.push(wanted)
    }
  }

  /** One to three faults anywhere, as this source of numbers has it. */
  random(scenario: string, random: () => number, mayKill: boolean): Plan {
    const pick = <T>(from: readonly T[]): T | undefined => from[Math.floor(random() * from.length)]
    const sites = (name: string) =>
      [...(this.#sites.get(name) ?? [])].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, at]) => at)
    const [own, process] = [sites(scenario), sites('')]
    const armed = Array.from({ length: 1 + Math.floor(random() * 3) }, () => {
      const at = pick(random() < 0.1 ? process : own)
      const fault = at === undefined ? undefined : pick(this.#faultsAt(at.site))
      return at === undefined || fault === undefined ? [] : [{ ...at, fault }]
    })
    return { scenario, armed: armed.flat().filter((triple) => mayKill || !kills(triple)), why: 'random' }
  }

  /** How far it is: of what clean traces show, and of what was seen only after a fault. */
  summary(): Readonly<
    Record<
      'traced' | 'later',
      {
        readonly sites: number
        readonly triples: number
        readonly covered: number
        readonly missed: readonly Wanted[]
      }
    >
  > {
    const of = (fromTrace: boolean) => {
      const all = [...this.#known.values()].filter((one) => one.fromTrace === fromTrace)
      const missed = all.filter(({ triple }) => !this.#covered.has(textOf(triple)))
      const sites = new Set(all.map(({ triple: { site, phase } }) => `${site} | ${phase}`))
      return { sites: sites.size, triples: all.length, covered: all.length - missed.length, missed }
    }
    return { traced: of(true), later: of(false) }
  }
}
