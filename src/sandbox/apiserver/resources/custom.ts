/** From a CustomResourceDefinition to the resources that it makes, one for each served version. */
import { isObject, listAt, objectAt, textAt, textsAt, at, type Json, type JsonObject } from '../json.ts'
import { declaredColumns } from '../rest/columns.ts'
import { metaReference, nodes } from '../schema/definitions.ts'
import type { Schema } from '../schema/node.ts'
import { asItIs, inVersion, type Resource, type ScalePaths, type Verb } from './resource.ts'
import { selectableOf } from './selectable.ts'

const verbs: readonly Verb[] = [
  'delete',
  'deletecollection',
  'get',
  'list',
  'patch',
  'create',
  'update',
  'watch',
]

/** The resources of a CRD. */
export function resourcesOf(crd: JsonObject): readonly Resource[] {
  return listAt(crd, 'spec', 'versions')
    .filter((version) => at(version, 'served') === true)
    .map((version) => resourceOf(crd, version))
}

function resourceOf(crd: JsonObject, version: Json): Resource {
  const names = objectAt(crd, 'spec', 'names')
  const [group, kind, plural] = [textAt(crd, 'spec', 'group'), textAt(names, 'kind'), textAt(names, 'plural')]
  const name = textAt(version, 'name')
  return {
    group,
    version: name,
    plural,
    singular: textAt(names, 'singular') || kind.toLowerCase(),
    kind,
    listKind: textAt(names, 'listKind') || `${kind}List`,
    namespaced: textAt(crd, 'spec', 'scope') === 'Namespaced',
    shortNames: textsAt(names, 'shortNames'),
    categories: textsAt(names, 'categories'),
    verbs,
    storage: `${group}/${plural}`,
    node: nodes.of(
      rootSchema(
        objectAt(version, 'schema', 'openAPIV3Schema'),
        at(crd, 'spec', 'preserveUnknownFields') === true,
      ),
    ),
    definition: `${group.split('.').toReversed().join('.')}.${name}.${kind}`,
    custom: true,
    needsVersion: true,
    putCreates: false,
    status: isObject(at(version, 'subresources', 'status')),
    scale: scaleOf(version),
    columns: declaredColumns(listAt(version, 'additionalPrinterColumns')),
    selectable: selectableOf(listAt(version, 'selectableFields').map((one) => textAt(one, 'jsonPath'))),
    shown: inVersion({ group, version: name }),
    stored: asItIs,
  }
}

// What every object has, whatever its schema says of it.
function rootSchema(schema: Schema, preserve: boolean): Schema {
  return {
    ...schema,
    type: 'object',
    ...(preserve ? { 'x-kubernetes-preserve-unknown-fields': true } : {}),
    properties: {
      ...objectAt(schema, 'properties'),
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { ...metaReference('ObjectMeta'), default: {} },
    },
  }
}

function scaleOf(version: Json): ScalePaths | undefined {
  const scale = at(version, 'subresources', 'scale')
  if (!isObject(scale)) return undefined
  return {
    spec: textAt(scale, 'specReplicasPath'),
    status: textAt(scale, 'statusReplicasPath'),
    selector: textAt(scale, 'labelSelectorPath'),
  }
}
