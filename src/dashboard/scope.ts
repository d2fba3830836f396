/** How much of something the visitor may see and is known: what is not told must never look like nothing. Pure. */
import type { Known } from './ports.ts'
import type { View } from './rights.ts'

/** `some`: not everywhere, or not yet; `unread`: nothing is known yet; `hidden`: the visitor may see it nowhere. */
export type Scope = 'all' | 'some' | 'unread' | 'hidden'

type Namespaces = readonly Pick<Known, 'namespace' | 'synced'>[]

/** The namespaces in which the visitor may see a view. */
export type Seen = Readonly<Partial<Record<View, readonly string[]>>>

/** The scope of what these views tell together. */
export function scopeOf(known: Namespaces, seen: Seen, views: readonly View[]): Scope {
  const all = views.flatMap((view) =>
    known.map(({ namespace, synced }) => ({
      mayBeSeen: seen[view]?.includes(namespace) === true,
      isRead: synced(),
    })),
  )
  const seeable = all.filter(({ mayBeSeen }) => mayBeSeen)
  if (seeable.length === 0) return 'hidden'
  if (!seeable.some(({ isRead }) => isRead)) return 'unread'
  return seeable.length === all.length && seeable.every(({ isRead }) => isRead) ? 'all' : 'some'
}

/** Why what is told may not be all there is, in words; nothing where it is. */
export function doubtsOf(known: Namespaces, seen: Seen): readonly string[] {
  const names = known.map(({ namespace }) => namespace)
  const views = Object.entries(seen).map(([view, where]) => ({
    view,
    missing: names.filter((name) => !where.includes(name)),
  }))
  const nowhere = views.filter(({ missing }) => missing.length === names.length)
  const somewhere = views.filter(({ missing }) => missing.length > 0 && missing.length < names.length)
  const byPlace = Map.groupBy(somewhere, ({ missing }) => missing.join(', '))
  const unread = known.filter(
    ({ namespace, synced }) => !synced() && Object.values(seen).some((where) => where.includes(namespace)),
  )
  return [
    ...(nowhere.length === 0 ? [] : [`you may not list ${namesOf(nowhere)}`]),
    ...[...byPlace].map(([place, some]) => `you may not list ${namesOf(some)} in ${place}`),
    ...(unread.length === 0
      ? []
      : [
          `not all of ${unread.length === 1 ? 'namespace' : 'the namespaces'} ${unread.map(({ namespace }) => namespace).join(', ')} is known`,
        ]),
  ]
}

const namesOf = (some: readonly { readonly view: string }[]): string =>
  some.map(({ view }) => view).join(', ')
