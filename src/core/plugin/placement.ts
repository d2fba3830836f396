/**
 * Where each declared plugin goes among the initContainers that are there. What is there stays; what we once added is brought up to
 * date or taken away; a plugin never comes twice.
 */
import { imageText, parseImage, placeOf, placeOfText } from '../image.ts'
import type { CarriedPlugin, DeclaredPlugin } from './declared.ts'
import { freeName, type Hash } from './names.ts'

/** An initContainer that is there. */
export type Present = { readonly name: string; readonly image: string; readonly isOurs: boolean }

/** What becomes of one declared plugin. */
export type Placement =
  /** It is not there: a new initContainer. */
  | { readonly do: 'append'; readonly plugin: CarriedPlugin; readonly name: string }
  /** It is there, as ours or as the same initContainer that another wrote: it gets the declared image. */
  | {
      readonly do: 'keep'
      readonly plugin: CarriedPlugin
      readonly name: string
      readonly index: number
      readonly isOurs: boolean
    }
  /** Another initContainer, not ours, brings the same plugin: it stays, and no second one is added. */
  | { readonly do: 'leave'; readonly plugin: CarriedPlugin; readonly name: string; readonly index: number }

/** What becomes of all of them, in the order in which they are declared. */
export type Placed = {
  readonly placements: readonly Placement[]
  /** Indices of initContainers that are ours and declared no more. */
  readonly removed: readonly number[]
  readonly warnings: readonly string[]
}

/** The initContainers that are there, and the names that no other may have (those of the containers). */
export type Crew = { readonly present: readonly Present[]; readonly otherNames: readonly string[] }

/** Finds a place for every declared plugin. */
export function placed(crew: Crew, plugins: readonly CarriedPlugin[], hash: Hash): Placed {
  const found = foundOf(crew.present, plugins)
  const claimed = new Set(found.flatMap((index) => (index === undefined ? [] : [index])))
  const removed = crew.present.flatMap(({ isOurs }, index) => (isOurs && !claimed.has(index) ? [index] : []))
  const staying = crew.present.filter((_, index) => !removed.includes(index))
  const taken = new Set([...staying.map(({ name }) => name), ...crew.otherNames])
  const placements = plugins.map((plugin, index): Placement => {
    const at = found[index]
    const there = at === undefined ? undefined : crew.present[at]
    if (at !== undefined && there !== undefined) return placementAt(plugin, there, at)
    const place = placeOf(plugin.reference)
    const name = freeName({ name: plugin.initContainer, place }, taken, hash)
    taken.add(name)
    return { do: 'append', plugin, name }
  })
  return { placements, removed, warnings: placements.flatMap((one) => warningOf(one, crew)) }
}

/**
 * For each plugin the initContainer that brings it already: of others one with its repository, else ours with its repository, else
 * ours with its name (the image moved to another repository).
 */
function foundOf(
  present: readonly Present[],
  plugins: readonly DeclaredPlugin[],
): readonly (number | undefined)[] {
  const places = present.map(({ image }) => placeOfText(image))
  const byPlace = plugins.map(({ reference, initContainer }) => {
    const place = placeOf(reference)
    const here = [...present.keys()].filter((index) => places[index] === place)
    const others = here.filter((index) => present[index]?.isOurs === false)
    return others.find((index) => present[index]?.name === initContainer) ?? others[0] ?? here[0]
  })
  const claimed = new Set(byPlace)
  return plugins.map(({ initContainer }, index) => {
    if (byPlace[index] !== undefined) return byPlace[index]
    const named = present.findIndex(
      ({ name, isOurs }, at) => isOurs && name === initContainer && !claimed.has(at),
    )
    if (named === -1) return undefined
    claimed.add(named)
    return named
  })
}

function placementAt(plugin: CarriedPlugin, there: Present, index: number): Placement {
  const { name, isOurs } = there
  return isOurs || name === plugin.initContainer
    ? { do: 'keep', plugin, name, index, isOurs }
    : { do: 'leave', plugin, name, index }
}

function warningOf(placement: Placement, { present }: Crew): readonly string[] {
  const { plugin, name } = placement
  const who = `plugin ${plugin.name}`
  if (placement.do === 'append') return name === plugin.initContainer ? [] : [renamed(who, plugin, name)]
  const image = present[placement.index]?.image ?? ''
  if (placement.do === 'leave')
    return [
      `${who}: initContainer ${name} brings ${image} already, and is not ours: it stays, and ${plugin.image} is not added. Remove the one or the other`,
    ]
  return placement.isOurs || isSameVersion(image, plugin)
    ? []
    : [`${who}: initContainer ${name} was there with image ${image}: it gets the declared ${plugin.image}`]
}

const renamed = (who: string, { initContainer }: DeclaredPlugin, name: string): string =>
  `${who}: the name ${initContainer} is taken by another container, which stays: its initContainer is named ${name}`

/** Whether two references name the same image: as they are, defaults written out. */
export function isSameImage(text: string, plugin: DeclaredPlugin): boolean {
  const read = parseImage(text)
  return text === plugin.image || ('ok' in read && imageText(read.ok) === imageText(plugin.reference))
}

/** The same, or the same tag that is only pinned now. */
function isSameVersion(text: string, plugin: DeclaredPlugin): boolean {
  const read = parseImage(text)
  if (!('ok' in read)) return isSameImage(text, plugin)
  const { tag, digest } = read.ok
  return isSameImage(text, plugin) || (digest === undefined && tag === plugin.reference.tag)
}
