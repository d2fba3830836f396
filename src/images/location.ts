/** Reads what an entry of a pull secret is for, as Go's net/url does where the kubelet uses it. */

/** A host with its port as it is written, and a path that is empty or begins with a slash. */
export type Location = { readonly host: string; readonly path: string }

/** Splits `host[:port][/path]`; undefined for what Go cannot parse, which the kubelet leaves out. */
export function readLocation(text: string): Location | undefined {
  // oxlint-disable-next-line no-control-regex -- these are what Go refuses
  if (/[\u0000-\u001f\u007f]/.test(text)) return undefined
  const bare = text.split('#')[0]?.split('?')[0] ?? ''
  const slash = bare.indexOf('/')
  const authority = slash < 0 ? bare : bare.slice(0, slash)
  const host = authority.slice(authority.lastIndexOf('@') + 1)
  const path = decoded(slash < 0 ? '' : bare.slice(slash))
  return isHost(host) && path !== undefined ? { host, path } : undefined
}

/** Labels of the host name, and the port. */
export function labelsOf({ host }: Location): { readonly labels: readonly string[]; readonly port: string } {
  const [, bracketed, plain, port] = /^(?:\[([^\]]*)\]|([^:]*)):(\d*)$/.exec(host) ?? []
  const name = bracketed ?? plain
  return name === undefined
    ? { labels: host.split('.'), port: '' }
    : { labels: name.split('.'), port: port ?? '' }
}

const isHost = (host: string): boolean => /^(?:\[[0-9A-Fa-f:.]*\]|[^\s:[\]%/\\^`{|}]*)(?::\d*)?$/.test(host)

function decoded(path: string): string | undefined {
  try {
    return decodeURIComponent(path)
  } catch {
    return undefined
  }
}
