/** What an Action does to the outside, in a phrase: also of an object that nobody has checked. */
import { at, objectAt, textAt } from './velero.ts'

/** `POST https://quiesce.shop/freeze`, `PATCH apps/v1 Deployment shop/web`, `scale ... to 0`; undefined for a body that this version has not. `holder`: a spec or its undo. */
export function callOf(holder: unknown): string | undefined {
  const http = objectAt(holder, 'http')
  if (textAt(http, 'url') !== '') return `${textAt(http, 'method') || 'POST'} ${textAt(http, 'url')}`
  const [patch, scale, wait] = ['patch', 'scale', 'wait'].map((body) => objectAt(holder, body))
  if (textAt(patch, 'kind') !== '') return `PATCH ${aimed(patch)}`
  if (textAt(scale, 'kind') !== '') return `scale ${aimed(scale)} to ${String(at(scale, 'replicas'))}`
  return textAt(wait, 'kind') === '' ? undefined : `wait for ${aimed(wait)}`
}

function aimed(body: unknown): string {
  const [namespace, subresource] = [textAt(body, 'namespace'), textAt(body, 'subresource')]
  const which = textAt(body, 'name') || '* (by labels)'
  const part = subresource === '' ? '' : ` (${subresource})`
  return `${textAt(body, 'apiVersion')} ${textAt(body, 'kind')} ${namespace === '' ? '' : `${namespace}/`}${which}${part}`
}
