/**
 * The Kubernetes API for actions: as the ServiceAccount that the Action names, never as ourselves. Each request is sent with
 * Impersonate-User, and the API server judges it as that account's.
 */
import type { Acted, Actor, ActorEvent, Aim, Change, KubeObject } from '../actions/ports.ts'
import type { Clock } from '../clock.ts'
import { usernameOf } from '../core/author.ts'
import type { Author } from '../core/plan.ts'
import { at, textAt } from '../core/velero.ts'
import type { AccessReview } from '../kube/access-review.ts'
import type { Call, KubeClient } from '../kube/client.ts'
import { createDiscovery, type Discovery, type ServedKind } from '../kube/discovery.ts'
import { isKubeError, KubeError, objectIn } from '../kube/errors.ts'
import { collectionPath, objectPath } from '../kube/resource.ts'
import type { WatchEvent } from '../kube/watch-event.ts'
import { watchOnce } from '../kube/watch-stream.ts'
import { semaphore, type Semaphore } from '../net/semaphore.ts'
import { authorMay } from './author-may.ts'
import { unactedOf, type Wanted } from './unacted.ts'

/** What acting for accounts takes. `client` is ours: it is used to become another, and for nothing else. */
export type ActorWorld = {
  readonly client: Pick<KubeClient, 'as'>
  readonly review: AccessReview
  readonly clock: Clock
  /** Whether this is the account of the Velero in this namespace. */
  readonly isVelero: (username: string, namespace: string) => boolean
}

/** An actor, or why the author may not have one. */
export type ActorAnswer = { readonly ok: Actor } | { readonly refused: string }

/** Gives the actor of an account of this namespace to an Action by this author. */
export type Actors = (
  name: string,
  by: { readonly author: Author | undefined; readonly namespace: string },
) => Promise<ActorAnswer>

/** Whether somebody may act for an account. */
export const mayUse = (
  review: AccessReview,
  author: Author,
  at: { readonly namespace: string; readonly name: string },
): Promise<boolean> =>
  authorMay(review, author, { verb: 'use', group: '', resource: 'serviceaccounts', ...at })

/** Whether the install lets us act for an account. */
export const mayBecome = (
  review: AccessReview,
  at: { readonly namespace: string; readonly name: string },
): Promise<boolean> => review.mayI({ verb: 'impersonate', group: '', resource: 'serviceaccounts', ...at })

/** Actors for Actions; whether the author may have one is asked anew each time. */
export function createActors(world: ActorWorld): Actors {
  const discovery = createDiscovery(world.clock)
  const large = semaphore(mostLists)
  return async (name, by) => {
    const refused = await whyNoActor(name, by, world)
    if (refused !== undefined) return { refused }
    const { namespace } = by
    const username = usernameOf(namespace, name)
    // Groups are left out: the API server gives an account its own, and would want the right to impersonate each that we name.
    const client = world.client.as({ user: username })
    return { ok: actorBy({ client, discovery, large, clock: world.clock, namespace, name }) }
  }
}

/** Why the author of an Action may not act for an account; undefined if they may. */
export async function whyNoActor(
  name: string,
  { author, namespace }: Parameters<Actors>[1],
  { review, isVelero }: Pick<ActorWorld, 'review' | 'isVelero'>,
): Promise<string | undefined> {
  if (author === undefined)
    return `nobody is known as the author of this Action, so it may not act for the ServiceAccount ${name}`
  if (isVelero(usernameOf(namespace, name), namespace))
    return `${name} is the account of Velero, which may do everything: name an account of its own`
  return (await mayUse(review, author, { namespace, name }))
    ? undefined
    : `${author.username}, the author of this Action, must hold the verb use on the ServiceAccount ${namespace}/${name}, and does not`
}

type Acting = {
  /** The account's. */
  readonly client: KubeClient
  readonly discovery: Discovery
  /** Lets few lists be read at once. */
  readonly large: Semaphore
  readonly clock: Clock
  /** The namespace of the Action and of the account. */
  readonly namespace: string
  readonly name: string
}

// An object is at most 3 MiB in JSON (etcd takes 1.5 MiB), and a list is bounded by its limit.
const objectBytes = 4 * 1024 * 1024
const listBytes = 32 * 1024 * 1024
/** Lists of many objects that are read at once, of all actions together: the others wait within their own time, and nothing is sent for them. */
export const mostLists = 3
// A server that does not go on must not keep the places of others.
const listMs = 30_000
const watchSeconds = 240
// Bookmarks come every minute.
const silenceMs = 150_000

type Place = { readonly served: ServedKind & { readonly namespace?: string }; readonly aim: Aim }
type Asking = Omit<Wanted, 'account' | 'served'>

function actorBy(acting: Acting): Actor {
  const { client, clock, large } = acting
  const account = `${acting.namespace}/${acting.name}`
  /** Finds the resource, then calls; every failure in words. */
  const acted = async <T>(asking: Asking, work: (place: Place) => Promise<T>): Promise<Acted<T>> => {
    let place: Place | undefined
    try {
      place = await placeOf(acting, asking)
      return { ok: await work(place) }
    } catch (error) {
      // Before the resource was found nothing was asked for.
      const changes = asking.changes && place !== undefined
      const aim = place?.aim ?? asking.aim
      return unactedOf(error, { ...asking, aim, changes, account, served: place?.served })
    }
  }
  const request = async (
    call: Pick<
      Call,
      'method' | 'path' | 'query' | 'body' | 'contentType' | 'maxBytes' | 'timeoutMs' | 'isWanted' | 'signal'
    >,
  ) => {
    const answer = objectIn(
      await client.request<unknown>({
        maxBytes: objectBytes,
        timeoutMs: longestCallMs,
        ...call,
        retry: false,
      }),
    )
    if (answer !== undefined) return answer
    throw new KubeError('BAD_ANSWER', 'the API server must answer with an object, got something else')
  }
  return {
    account: `ServiceAccount ${account}`,
    get: (aim, name, { subresource, signal }) =>
      acted(
        { verb: 'get', aim, which: name, isName: true, subresource, changes: false, signal },
        async ({ served }) => {
          const path = objectPath(served, name, subresource)
          return request({ method: 'GET', path, signal }).catch((error: unknown) => {
            if (isKubeError(error, 'NOT_FOUND')) return undefined
            throw error
          })
        },
      ),
    list: (aim, { name, selector, limit, signal }) =>
      acted(
        {
          verb: 'list',
          aim,
          which: name ?? `*[${selector}]`,
          isName: name !== undefined,
          changes: false,
          signal,
        },
        async ({ served }) => {
          const query = { ...selecting({ name, selector }), limit }
          const call = { method: 'GET', path: collectionPath(served), query, signal } as const
          // Of one name there is one object at most.
          const raw =
            name === undefined
              ? large(() => request({ ...call, maxBytes: listBytes, timeoutMs: listMs }), signal)
              : request(call)
          return listed(await raw, limit)
        },
      ),
    patch: (aim, name, change) => {
      const { subresource, signal, isWanted, dryRun = false } = change
      const asking = {
        verb: 'patch',
        aim,
        which: name,
        isName: true,
        subresource,
        changes: !dryRun,
        signal,
      } as const
      return acted(asking, ({ served }) =>
        request({ path: objectPath(served, name, subresource), ...patching(change), isWanted, signal }),
      )
    },
    watch: (aim, { name, selector, resourceVersion, signal, onEvent }) =>
      acted(
        {
          verb: 'watch',
          aim,
          which: name ?? `*[${selector ?? ''}]`,
          isName: name !== undefined,
          changes: false,
          signal,
        },
        async ({ served }) => {
          const query = {
            watch: true,
            allowWatchBookmarks: true,
            resourceVersion,
            timeoutSeconds: watchSeconds,
            ...selecting({ name, selector }),
          }
          const path = collectionPath(served)
          const on = (event: WatchEvent) => onEvent(toldOf(event))
          await watchOnce({
            client,
            clock,
            path,
            query,
            signal,
            silenceMs: () => silenceMs,
            onOpen: () => {},
            onEvent: on,
          })
          return 'ended' as const
        },
      ),
  }
}

/** By a name the field selector is what RBAC's resourceNames look at in list and watch. */
const selecting = ({
  name,
  selector = '',
}: {
  readonly name?: string | undefined
  readonly selector?: string | undefined
}) => ({
  labelSelector: selector === '' ? undefined : selector,
  fieldSelector: name === undefined ? undefined : `metadata.name=${name}`,
})

// Longer than an action may take: its own signal ends a call.
const longestCallMs = 3_600_000

/** Which resource the kind is, and in which namespace: that of the Action where none is given. */
async function placeOf(
  { client, discovery, namespace }: Acting,
  { aim, subresource, signal }: Asking,
): Promise<Place> {
  const { namespaced, ...served } = await discovery(client, { ...aim, subresource }, signal)
  if (!namespaced && aim.namespace !== undefined)
    throw new KubeError('INVALID', `${aim.kind} is cluster-scoped: leave the namespace out`, { sent: false })
  if (!namespaced) return { served: { ...served, namespaced }, aim }
  const where = aim.namespace ?? namespace
  return { served: { ...served, namespaced, namespace: where }, aim: { ...aim, namespace: where } }
}

const contentTypes = {
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
  // JSON is YAML; application/apply-patch+json does not exist before 1.31.
  apply: 'application/apply-patch+yaml',
} as const

const patching = ({ type, patch, fieldManager, force, dryRun = false, strict = false }: Change) => ({
  method: 'PATCH' as const,
  contentType: contentTypes[type],
  body: patch,
  query: {
    fieldManager,
    force: type === 'apply' ? force : undefined,
    dryRun: dryRun ? 'All' : undefined,
    fieldValidation: strict ? 'Strict' : undefined,
  },
})

function listed(raw: KubeObject, limit: number) {
  const found = at(raw, 'items')
  const items = (Array.isArray(found) ? found : []).map(objectIn).filter((item) => item !== undefined)
  const more = textAt(raw, 'metadata', 'continue') !== '' || items.length > limit
  return { items: items.slice(0, limit), resourceVersion: textAt(raw, 'metadata', 'resourceVersion'), more }
}

function toldOf(event: WatchEvent): ActorEvent {
  if (event.type === 'error') throw event.error
  if (event.type === 'bookmark') return { type: 'bookmark', resourceVersion: event.resourceVersion }
  const object = objectIn(event.object)
  if (object === undefined)
    throw new KubeError('BAD_ANSWER', 'an event of a watch must carry an object, got none')
  return { type: event.type, object }
}
