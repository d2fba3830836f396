/** Which certificate authorities count for which call. */
import type { Trust } from './follow.ts'
import { settingsAt } from './settings.ts'
import type { Directory, Endpoint } from './settings.ts'

/**
 * The CA of a registry counts on top of the public ones, as in container runtimes: its token server and the storage that
 * it redirects to may be either kind. A host with settings of its own has its own. Undefined: only the public ones.
 */
export function trustFor(
  endpoint: Endpoint,
  { directory, authorities }: { readonly directory: Directory; readonly authorities: () => string },
): Trust {
  return (url) => {
    const ca = settingsAt(url.host, directory).ca ?? endpoint.settings.ca
    return ca === undefined || url.protocol !== 'https:' ? undefined : `${ca.trimEnd()}\n${authorities()}`
  }
}
