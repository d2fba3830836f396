/** Custom kinds for cases: a CRD of a group of its own, served when this answers. */
import assert from 'node:assert/strict'
import type { Api } from './api.ts'
import type { Json } from './http.ts'
import { collections } from './objects.ts'

/** A custom kind that is served. */
export type Kind = {
  readonly group: string
  readonly crd: string
  /** The path of the collection in a namespace, or of one object. */
  readonly path: (ns: string, name?: string) => string
  /** An object of the kind: its name and all fields beside metadata. */
  readonly object: (name: string, fields?: object, metadata?: object) => Json
  readonly apiVersion: string
}

type Version = {
  /** The schema of the properties beside metadata. */
  readonly properties: Json
  readonly required?: readonly string[]
  readonly more?: Json
  readonly subresources?: Json
  readonly columns?: Json
  readonly selectable?: Json
}

/** A CRD of kind Widget, version v1, namespaced. */
export function widgetCrd(group: string, version: Version) {
  const { properties, required, more, subresources, columns, selectable } = version
  const schema = { type: 'object', properties, ...(required === undefined ? {} : { required }), ...more }
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `widgets.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: {
        plural: 'widgets',
        singular: 'widget',
        kind: 'Widget',
        listKind: 'WidgetList',
        shortNames: ['wd'],
      },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: schema },
          ...(subresources === undefined ? {} : { subresources }),
          ...(columns === undefined ? {} : { additionalPrinterColumns: columns }),
          ...(selectable === undefined ? {} : { selectableFields: selectable }),
        },
      ],
    },
  }
}

/** Makes a Widget kind and waits until it is served; it goes at the end of the case. */
export async function widgets(api: Api, version: Version): Promise<Kind> {
  const group = `${api.name('g')}.example.com`
  await api.borrow(collections.crds, widgetCrd(group, version))
  const base = `/apis/${group}/v1`
  await api.eventually(async () => {
    const answer = await api.get(`${base}/namespaces/default/widgets`)
    assert.equal(answer.status, 200, answer.text)
  }, 20_000)
  return kindOf(group)
}

/** The Widget kind of a group. */
export function kindOf(group: string): Kind {
  const base = `/apis/${group}/v1`
  return {
    group,
    crd: `${collections.crds}/widgets.${group}`,
    path: (ns, name) => `${base}/namespaces/${ns}/widgets${name === undefined ? '' : `/${name}`}`,
    object: (name, fields = {}, metadata = {}) => ({
      apiVersion: `${group}/v1`,
      kind: 'Widget',
      metadata: { name, ...metadata },
      ...fields,
    }),
    apiVersion: `${group}/v1`,
  }
}
