/** Goes everywhere that the moves lead, and tells the shortest way to what must not be. */
import { look, movesFrom, type Play } from './moves.ts'
import { aged, firstOf, keyOf, type State } from './state.ts'

/** What was found. */
export type Found = {
  readonly states: number
  readonly moves: number
  /** What is wrong, and the moves that lead there. */
  readonly wrong?: string
  readonly way?: readonly string[]
}

type Node = {
  readonly state: State
  readonly from: Node | undefined
  readonly by: string
  /** What tidewaiter, time and whoever else does without a fault lead to, by key; and of these what tidewaiter writes. */
  readonly next: string[]
  readonly written: string[]
}

/** Explores breadth first: the first that is found wrong is reached by the fewest moves. */
export async function explore(play: Play, mostStates = Number.POSITIVE_INFINITY): Promise<Found> {
  const first: Node = { state: firstOf(play.setting), from: undefined, by: '', next: [], written: [] }
  const nodes = new Map([[keyOf(first.state), first]])
  const line = [first]
  let count = 0
  let visited = 0
  const told = (wrong: string, node: Node, last?: string): Found => ({
    states: nodes.size,
    moves: count,
    wrong,
    way: [...wayTo(node), ...(last === undefined ? [] : [last])],
  })
  for (let node = line.shift(); node !== undefined; node = line.shift()) {
    const here = keyOf(node.state)
    for (const move of await movesFrom(node.state, play)) {
      count += 1
      if (move.wrong !== undefined) return told(move.wrong, node, move.name)
      const key = keyOf(move.to)
      if (move.by === 'tidewaiter' && move.wrote === true && key === here)
        return told('it writes, and nothing changes', node, move.name)
      if (move.to.faults === node.state.faults) node.next.push(key)
      if (move.by === 'tidewaiter' && key !== here) node.written.push(key)
      if (nodes.has(key)) continue
      const next: Node = { state: move.to, from: node, by: move.name, next: [], written: [] }
      nodes.set(key, next)
      line.push(next)
      if (nodes.size > mostStates) throw new Error(`more than ${mostStates} states`)
    }
    // Nothing here waits for anything: others in this process have their turn too.
    if (++visited % 100 === 0) await new Promise((resolve) => setImmediate(resolve))
    const asleep = await sleeper(node.state, play)
    if (asleep !== undefined) return told(asleep, node)
  }
  const restless = inCircles(nodes)
  if (restless !== undefined) return told('tidewaiter goes round in circles, and no time passes', restless)
  const stranded = withoutRest(nodes)
  if (stranded !== undefined) return told('it never comes to rest from here', stranded)
  return { states: nodes.size, moves: count }
}

function wayTo(node: Node): readonly string[] {
  const way: string[] = []
  for (let at: Node | undefined = node; at?.from !== undefined; at = at.from) way.unshift(at.by)
  return way
}

/** Where the leader looks away for ever, time alone must make nothing due. */
async function sleeper(state: State, play: Play): Promise<string | undefined> {
  // What goes wrong otherwise makes no difference to this, and a second Backup none that is worth the time.
  if (state.leader === -1 || state.faults > 0 || state.things.length > 1) return undefined
  const behind = { run: false, thing: false }
  for (const index of state.things.keys()) {
    if (state.works.some(({ thing }) => thing === index)) continue
    if ((await look(state, index, { play, behind })).sleeps !== true) continue
    let later = state
    for (let ticks = 0; ticks < 4; ticks++) {
      later = aged(later)
      const { to } = await look(later, index, { play, behind })
      if (to !== later) return `the leader looks away from b${index}, which is due ${ticks + 1} ticks later`
    }
  }
  return undefined
}

/** Everything that was begun is over. */
function isAtRest({ things, runs, truth, works, key, posts }: State): boolean {
  return (
    works.length === 0 &&
    key === -1 &&
    things.every((thing, index) => {
      if (thing.is === 'no') return true
      const over = thing.is === 'gone' || thing.phase === 'Completed' || thing.phase === 'FailedValidation'
      const { started = false, effects = [] } = truth[index] ?? {}
      const status = runs[index]?.status
      const phase = status?.phase ?? 'none'
      const ended =
        phase === 'none' || ['Succeeded', 'Skipped', 'Refused', 'Unknown', 'Undone'].includes(phase)
      const served = started && (status?.undoneFrom ?? phase) === 'Succeeded'
      return over && ended && posts[index] !== 'open' && (served || !effects.includes('there'))
    })
  )
}

/** A state from which no way leads to rest without a further fault. */
function withoutRest(nodes: ReadonlyMap<string, Node>): Node | undefined {
  const before = new Map<string, string[]>()
  for (const [key, { next }] of nodes) for (const to of next) before.set(to, [...(before.get(to) ?? []), key])
  const good = new Set([...nodes].flatMap(([key, { state }]) => (isAtRest(state) ? [key] : [])))
  const line = [...good]
  for (let key = line.pop(); key !== undefined; key = line.pop())
    for (const from of before.get(key) ?? [])
      if (!good.has(from)) {
        good.add(from)
        line.push(from)
      }
  for (const [key, node] of nodes) if (!good.has(key)) return node
  return undefined
}

/** A state that tidewaiter comes back to by its own moves, without time passing or anybody else moving. */
function inCircles(nodes: ReadonlyMap<string, Node>): Node | undefined {
  const colour = new Map<string, 'open' | 'done'>()
  for (const start of nodes.keys()) {
    if (colour.has(start)) continue
    const stack = [{ key: start, at: 0 }]
    colour.set(start, 'open')
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const to = nodes.get(top.key)?.written[top.at++]
      if (to === undefined) {
        colour.set(top.key, 'done')
        stack.pop()
      } else if (colour.get(to) === 'open') return nodes.get(to)
      else if (!colour.has(to)) {
        colour.set(to, 'open')
        stack.push({ key: to, at: 0 })
      }
    }
  }
  return undefined
}

/** The moves that lead to what was found, one a line. */
export const tale = ({ wrong, way = [] }: Found): string =>
  wrong === undefined ? '' : `${wrong}:\n  ${way.join('\n  ')}`
