/** What a body that calls the Kubernetes API aims at, in words. */
import type { Target } from '../api/target.ts'
import { selectorText } from './label-selector.ts'

/** `Deployment shop/web`; with a selector `Pod shop/*[app=web]`. */
export function targetText({ kind, namespace, name, selector = {} }: Target): string {
  const which = name ?? `*[${selectorText(selector)}]`
  return `${kind} ${namespace === undefined ? which : `${namespace}/${which}`}`
}
