/** Secrets among the manifests of an install: what their author is about to apply. */
import { at, objectAt, textAt, textMapAt } from '../core/velero.ts'
import type { NamedText } from './collect.ts'
import type { PullSecret } from './ports.ts'
import { readYaml } from './yaml-text.ts'

/**
 * The Secrets of a namespace by name; one that says none is for the namespace that it is applied to. Of two with one name the later
 * counts, as if they were applied in turn. Texts that cannot be read hold none: what is wrong with them is told elsewhere.
 */
export function secretsIn(texts: readonly NamedText[], namespace: string): ReadonlyMap<string, PullSecret> {
  const documents = texts.flatMap(({ text }) => readYaml(text).documents.map(({ value }) => value))
  const secrets = documents
    .flatMap(itemsOf)
    .filter((one) => textAt(one, 'apiVersion') === 'v1' && textAt(one, 'kind') === 'Secret')
    .filter((one) => ['', namespace].includes(textAt(one, 'metadata', 'namespace')))
  return new Map(secrets.map((one) => [textAt(one, 'metadata', 'name'), pullSecretOf(one, namespace)]))
}

function itemsOf(document: unknown): readonly unknown[] {
  const items = at(document, 'items')
  return textAt(document, 'kind') === 'List' && Array.isArray(items) ? items : [document]
}

/** A Secret as it is read for pulling; `stringData` is written over `data`, as the API server does it. */
export function pullSecretOf(secret: unknown, namespace: string): PullSecret {
  const texts = Object.entries(textMapAt(objectAt(secret, 'stringData')))
  return {
    name: `${namespace}/${textAt(secret, 'metadata', 'name')}`,
    type: textAt(secret, 'type') || 'Opaque',
    data: {
      ...textMapAt(secret, 'data'),
      ...Object.fromEntries(texts.map(([key, text]) => [key, Buffer.from(text).toString('base64')])),
    },
  }
}
