/** Which triples there are, which were covered, and which comes next. */
import { faultsOf, kindOf, textOf, type Fault, type Triple } from './faults.ts'
import type { Played } from './harness.ts'

/** What one object is to meet: all that are armed, and of `anyOf` the one that is met first. */
export type Armed = { readonly armed: readonly Triple[]; readonly anyOf?: readonly Triple[] }

/** What one run is to meet. */
export type Plan = Armed & {
  readonly scenario: string
  readonly why: 'clean' | 'trace' | 'systematic' | 'random'
}

/** A call site in a phase as it was seen: by an object of which scenario (empty: by the process), after which faults. */
export type Sighting = {
  readonly scenario: string
  readonly site: string
  readonly phase: string
  readonly after: readonly Triple[]
}

/** A triple that is known, and what came of it so far. */
export type Entry = {
  readonly triple: Triple
  readonly scenario: string
  /** The faults after which it is to be had. */
  after: readonly Triple[]
  /** Whether a clean trace shows it. */
  fromTrace: boolean
  /** How often its call was seen. */
  seen: number
  tries: number
  covered: number
}

/** So often it is tried by itself; then together with the others that did not come: some calls are made only now and then. */
const mostAlone = 3
const mostTries = 12
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
const rank = ({ fromTrace, triple }: Entry): number => (fromTrace ? 2 : 0) + (kills(triple) ? 1 : 0)
const placeOf = ({ site, phase }: Omit<Triple, 'fault'>): string => `${site} | ${phase}`
const isMissed = ({ covered }: Entry): boolean => covered === 0
const pick = <T>(from: readonly T[], random: () => number): T | undefined =>
  from[Math.floor(random() * from.length)]
/** Whether it costs no process. */
const isMild = (triple: Triple): boolean => !kills(triple) && triple.phase !== 'starting'

/** Where faults may be, and which: no other call meets one. */
export type Only = { readonly sites: RegExp; readonly faults: RegExp }

/** The book of triples. */
export class Coverage {
  readonly #known = new Map<string, Entry>()
  /** What was asked for and is not covered, with the place of its call. */
  readonly #missed = new Map<Entry, string>()
  /** What an object tries by itself at this moment. */
  readonly #tried = new Set<Entry>()
  /** The calls of each scenario; those of the process under the empty name. */
  readonly #sites = new Map<string, Map<string, Omit<Triple, 'fault'>>>()
  readonly #only: Only
  #asked = 0
  isTracing = true

  /** `entries`: what earlier runs of the same code came to; each is tried again as often as if it were new. */
  constructor(only: Only = { sites: /^/, faults: /^/ }, entries: readonly Entry[] = []) {
    this.#only = only
    for (const entry of entries) this.#learn({ ...entry, tries: 0 })
  }

  /** All that is known, for a run that goes on. */
  entries(): readonly Entry[] {
    return [...this.#known.values()]
  }

  #mayMeet({ site, fault }: Triple): boolean {
    return this.#only.sites.test(site) && this.#only.faults.test(fault)
  }

  #faultsAt(site: string): readonly Fault[] {
    return faultsOf(kindOf(site)).filter((fault) => this.#mayMeet({ site, phase: '', fault }))
  }

  #learn(entry: Entry): void {
    const { triple, scenario } = entry
    this.#known.set(textOf(triple), entry)
    if (this.#only.sites.test(triple.site)) this.#sitesOf(scenario).set(placeOf(triple), triple)
    if (isMissed(entry) && this.#mayMeet(triple)) this.#missed.set(entry, placeOf(triple))
  }

  #sitesOf(scenario: string): Map<string, Omit<Triple, 'fault'>> {
    const sites = this.#sites.get(scenario) ?? new Map<string, Omit<Triple, 'fault'>>()
    this.#sites.set(scenario, sites)
    return sites
  }

  see({ scenario, site, phase, after }: Sighting): void {
    if (!this.#only.sites.test(site)) return
    this.#sitesOf(scenario).set(placeOf({ site, phase }), { site, phase })
    for (const fault of this.#faultsAt(site)) {
      const triple = { site, phase, fault }
      const known = this.#known.get(textOf(triple))
      if (known !== undefined) this.#seenAgain(known, after)
      else if (after.length <= mostBefore)
        this.#learn({ triple, scenario, after, fromTrace: this.isTracing, seen: 1, tries: 0, covered: 0 })
    }
  }

  #seenAgain(entry: Entry, after: readonly Triple[]): void {
    entry.seen += 1
    if (after.length < entry.after.length) entry.after = after
    if (this.isTracing) entry.fromTrace = true
  }

  /** The next triple for an object of this scenario; undefined if every one was covered or tried by itself often enough. */
  next(scenario: string, mayKill: boolean): Plan | undefined {
    // Kills are rare: those of calls that are about no object have their share of them.
    const isForProcess = mayKill && (this.#asked += 1) % 3 === 0
    const [first, second] = isForProcess ? ['', scenario] : [scenario, '']
    const entry = this.#take(first, mayKill) ?? this.#take(second, mayKill)
    if (entry === undefined) return undefined
    entry.tries += 1
    this.#tried.add(entry)
    return { scenario, armed: [...entry.after, entry.triple], why: 'systematic' }
  }

  /** The first that may be: of those that clean traces show before the others, a kill while there may be one, and what was tried less often. */
  #take(scenario: string, mayKill: boolean): Entry | undefined {
    const open = this.#missedIn(scenario).filter(
      (entry) =>
        !this.#tried.has(entry) &&
        entry.tries < mostAlone &&
        (mayKill || (!kills(entry.triple) && !entry.after.some(kills))),
    )
    return open.sort((a, b) => rank(b) - rank(a) || a.tries - b.tries)[0]
  }

  /** What was not covered of the calls that objects of this scenario make: whichever of them makes a call, it is the same one. */
  #missedIn(scenario: string): Entry[] {
    const sites = this.#sitesOf(scenario)
    const missed: Entry[] = []
    for (const [entry, place] of this.#missed)
      // The faults after which a call comes are of the scenario in which they were seen.
      if (sites.has(place) && (entry.after.length === 0 || entry.scenario === scenario)) missed.push(entry)
    return missed
  }

  /**
   * All triples of this scenario (empty: of the process) that did not come when they were tried by themselves: the one whose call is made
   * first happens. The first of them is the one that is tried. Undefined: all were covered, or tried often enough.
   */
  any(scenario: string, random: () => number, mayKill: boolean): Plan | undefined {
    const may = (triple: Triple) => mayKill || isMild(triple)
    const missed = this.#missedIn(scenario).filter(({ triple }) => may(triple))
    const open = missed.filter(({ tries, after }) => tries < mostTries && after.every(may))
    const chosen = pick(open, random)
    if (chosen === undefined) return undefined
    chosen.tries += 1
    const others = missed.filter((entry) => entry !== chosen)
    const anyOf = [chosen, ...others].map(({ triple }) => triple)
    return { scenario, armed: chosen.after, anyOf, why: 'systematic' }
  }

  /** What came of a plan. A run that says nothing, or that was wrong, covers nothing: its triples are tried again. */
  played(
    { armed, anyOf = [] }: Plan,
    { fired, isJudged, wrongs }: Pick<Played, 'fired' | 'isJudged' | 'wrongs'>,
  ): void {
    const covered = isJudged && wrongs.length === 0 ? fired : []
    for (const triple of covered) {
      const entry = this.#known.get(textOf(triple))
      if (entry === undefined) continue
      entry.covered += 1
      this.#missed.delete(entry)
    }
    for (const triple of armed) {
      const entry = this.#known.get(textOf(triple))
      if (entry !== undefined) this.#tried.delete(entry)
    }
    this.#giveBackTry(anyOf, covered)
  }

  /** One that was chosen out of many had no chance where another of them came first. */
  #giveBackTry(anyOf: readonly Triple[], covered: readonly Triple[]): void {
    const names = new Set(covered.map(textOf))
    const [chosen] = anyOf
    const entry = chosen === undefined ? undefined : this.#known.get(textOf(chosen))
    if (entry !== undefined && isMissed(entry) && anyOf.some((one) => names.has(textOf(one))))
      entry.tries -= 1
  }

  /** Whether an object of this scenario can meet any fault at all. */
  canMeet(scenario: string): boolean {
    const sites = [...this.#sitesOf(scenario).values(), ...this.#sitesOf('').values()]
    return sites.some(({ site }) => this.#faultsAt(site).length > 0)
  }

  /** One to three faults anywhere, as this source of numbers has it; none where all that it came upon would kill, and none may. */
  random(scenario: string, random: () => number, mayKill: boolean): Plan {
    const sites = (name: string) =>
      [...this.#sitesOf(name)].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, at]) => at)
    const [own, process] = [sites(scenario), sites('')]
    const armed = Array.from({ length: 1 + Math.floor(random() * 3) }, () => {
      const at = pick(random() < 0.1 ? process : own, random)
      const fault = at === undefined ? undefined : pick(this.#faultsAt(at.site), random)
      return at === undefined || fault === undefined ? [] : [{ site: at.site, phase: at.phase, fault }]
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
        readonly missed: readonly Entry[]
      }
    >
  > {
    const of = (fromTrace: boolean) => {
      const all = [...this.#known.values()].filter((one) => one.fromTrace === fromTrace)
      const covered = all.filter((one) => !isMissed(one)).length
      // What was not asked for was not looked for.
      const missed = all.filter((one) => this.#missed.has(one))
      const sites = new Set(all.map(({ triple }) => placeOf(triple)))
      return { sites: sites.size, triples: all.length, covered, missed }
    }
    return { traced: of(true), later: of(false) }
  }
}
