/** The kinds that random sequences work on: three built-in ones, and two custom ones made for it. */
import assert from 'node:assert/strict'
import type { Api } from './api.ts'
import { widgets, type Kind } from './widgets.ts'

/** A kind that sequences work on. */
export type KindName = 'secret' | 'configmap' | 'lease' | 'widget' | 'gadget'

/** The custom kinds as they are served on one server. */
export type Customs = { readonly widget: Kind; readonly gadget: Kind }

const string = { type: 'string' }
const parts = {
  type: 'array',
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': ['name'],
  items: {
    type: 'object',
    required: ['name'],
    properties: { name: string, n: { type: 'integer', default: 1 }, tag: string },
  },
}
const set = { type: 'array', 'x-kubernetes-list-type': 'set', items: string }

// Rules, defaults, a status of its own, and lists that are merged.
const widget = {
  properties: {
    spec: {
      type: 'object',
      properties: {
        n: { type: 'integer', minimum: 1, maximum: 5, default: 2 },
        tag: { ...string, enum: ['red', 'blue', ''] },
        parts,
        set,
        steps: { type: 'array', items: string, maxItems: 2 },
        nick: { ...string, nullable: true, maxLength: 3 },
      },
      'x-kubernetes-validations': [
        {
          rule: "!has(oldSelf.tag) || oldSelf.tag != 'red' || (has(self.tag) && self.tag == 'red')",
          message: 'red stays red',
        },
      ],
    },
    status: {
      type: 'object',
      properties: { phase: { ...string, pattern: '^P[0-9]*$' }, parts, seen: { type: 'integer' } },
    },
  },
  subresources: { status: {} },
  selectable: [{ jsonPath: '.spec.tag' }],
}

// Open places, an atomic map, a default that is an object, a required field, and a status that is a field like others.
const gadget = {
  properties: {
    spec: {
      type: 'object',
      default: {},
      properties: {
        size: { type: 'integer', default: 3 },
        free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
        whole: {
          type: 'object',
          'x-kubernetes-map-type': 'atomic',
          properties: { a: string, b: string },
        },
        port: { 'x-kubernetes-int-or-string': true },
        deep: { type: 'object', properties: { inner: { type: 'object', properties: { a: string } } } },
        need: { type: 'object', required: ['a'], properties: { a: string } },
        words: { type: 'object', additionalProperties: string },
      },
    },
    status: { type: 'object', properties: { phase: string } },
  },
}

/** Makes the custom kinds on a server. */
export async function customs(api: Api): Promise<Customs> {
  const [first, second] = await Promise.all([widgets(api, widget), widgets(api, gadget)])
  return { widget: first, gadget: second }
}

const builtin: Readonly<
  Record<string, { readonly base: string; readonly apiVersion: string; readonly kind: string }>
> = {
  secret: { base: '/api/v1/*/secrets', apiVersion: 'v1', kind: 'Secret' },
  configmap: { base: '/api/v1/*/configmaps', apiVersion: 'v1', kind: 'ConfigMap' },
  lease: {
    base: '/apis/coordination.k8s.io/v1/*/leases',
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
  },
}

/** Where objects of a kind are: in a namespace, or in all; one of them if named. */
export function pathOf(kinds: Customs, kind: KindName, { ns, name }: { ns?: string; name?: string }): string {
  const custom = kind === 'widget' || kind === 'gadget' ? kinds[kind] : undefined
  const base = custom === undefined ? builtin[kind]?.base : `/apis/${custom.apiVersion}/*/widgets`
  assert(base !== undefined)
  const path = base.replace('/*', ns === undefined ? '' : `/namespaces/${ns}`)
  return name === undefined ? path : `${path}/${name}`
}

/** apiVersion and kind of a kind. */
export function typeOf(
  kinds: Customs,
  kind: KindName,
): { readonly apiVersion: string; readonly kind: string } {
  if (kind === 'widget' || kind === 'gadget') return { apiVersion: kinds[kind].apiVersion, kind: 'Widget' }
  const found = builtin[kind]
  assert(found !== undefined)
  return { apiVersion: found.apiVersion, kind: found.kind }
}
