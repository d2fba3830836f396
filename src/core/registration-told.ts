/** What a webhook configuration tells API servers of us, webhook by webhook. */
import { webhookName, webhookRoutes } from './registration.ts'
import { objectAt, textAt, type Json } from './velero.ts'

const names: ReadonlySet<string> = new Set(webhookRoutes.map(webhookName))

/** The CA bundle as PEM, and the random part of the path; '' where there is none. */
export function toldIn(
  configuration: unknown,
): readonly { readonly caBundle: string; readonly token: string }[] {
  const { webhooks } = objectAt(configuration)
  // The leader keeps these; what else somebody put there says nothing of us.
  const ours = (Array.isArray(webhooks) ? webhooks : []).filter((webhook) =>
    names.has(textAt(webhook, 'name')),
  )
  return ours.map((webhook) => {
    const clientConfig = objectAt(webhook, 'clientConfig')
    return { caBundle: pemOf(textAt(clientConfig, 'caBundle')), token: tokenIn(clientConfig) }
  })
}

function tokenIn(clientConfig: Json): string {
  const path =
    textAt(clientConfig, 'service', 'path') || (URL.parse(textAt(clientConfig, 'url'))?.pathname ?? '')
  const [, first = '', route] = path.split('/')
  return route === undefined ? '' : first
}

// Not our text: what is no base64 tells nothing.
function pemOf(base64: string): string {
  try {
    return atob(base64)
  } catch {
    return ''
  }
}
