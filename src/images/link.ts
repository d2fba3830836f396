/** Reads the header Link of a list that goes on (RFC 8288; distribution specification, listing referrers). */
import type { Read } from './json.ts'

/**
 * The path of the next page, after `/v2/NAME/`; undefined if there is none. Only a page of the same list: a registry
 * that sends us anywhere else could make us ask other hosts, or other repositories with this one's credentials.
 */
export function nextPage(
  header: string | undefined,
  list: { readonly repository: string; readonly digest: string },
): Read<string | undefined> {
  const [, target] = /<([^<>]*)>\s*;[^<>]*\brel\s*=\s*"?next"?/i.exec(header ?? '') ?? []
  if (target === undefined) return { ok: undefined }
  const base = new URL(`http://registry.invalid/v2/${list.repository}/referrers/${list.digest}`)
  // Some registries write their own absolute URL: the host in it is not used.
  const url = URL.parse(target, base.href)
  return url === null || url.pathname !== base.pathname
    ? { problem: 'a list whose next page is not of the same list' }
    : { ok: `referrers/${list.digest}${url.search}` }
}
