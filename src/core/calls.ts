/** What an Action does to the outside, in a phrase: also of an object that nobody has checked. */
import { objectAt, textAt } from './velero.ts'

/** `POST https://quiesce.shop/freeze`, `PATCH apps/v1 Deployment shop/web`; undefined for a body that this version has not. `holder`: a spec or its undo. */
export function callOf(holder: unknown): string | undefined {
  const [http, patch] = [objectAt(holder, 'http'), objectAt(holder, 'patch')]
  if (textAt(http, 'url') !== '') return `${textAt(http, 'method') || 'POST'} ${textAt(http, 'url')}`
  return textAt(patch, 'kind') === '' ? undefined : `PATCH ${aimed(patch)}`
}

function aimed(body: unknown): string {
  const [namespace, subresource] = [textAt(body, 'namespace'), textAt(body, 'subresource')]
  const which = textAt(body, 'name') || '* (by labels)'
  const part = subresource === '' ? '' : ` (${subresource})`
  return `${textAt(body, 'apiVersion')} ${textAt(body, 'kind')} ${namespace === '' ? '' : `${namespace}/`}${which}${part}`
}
