/** Reads WWW-Authenticate (RFC 9110 11.6.1, RFC 6750 3). */

/** One way to sign in that a server offers. */
export type Challenge = {
  /** Lower case. */
  readonly scheme: string
  /** Lower-case names; of a name that is given twice the first counts. */
  readonly parameters: ReadonlyMap<string, string>
}

const name = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
const parameter = new RegExp(`^(${name})\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|(${name}))$`, 's')
const opening = new RegExp(`^(${name})(?:\\s+(.*))?$`, 's')

/** All challenges of a header, in order; several headers arrive joined by commas, as one list may. Never fails. */
export function readChallenges(header: string | undefined): readonly Challenge[] {
  const found: { readonly scheme: string; readonly parameters: Map<string, string> }[] = []
  for (const item of itemsOf(header ?? '')) {
    const given = parameter.exec(item)
    if (given !== null) {
      note(found.at(-1)?.parameters, given)
      continue
    }
    const [, scheme = '', rest = ''] = opening.exec(item) ?? []
    if (scheme === '') continue
    const parameters = new Map<string, string>()
    found.push({ scheme: scheme.toLowerCase(), parameters })
    // What is no parameter here is a token68 of a scheme that we do not know.
    note(parameters, parameter.exec(rest.trim()))
  }
  return found
}

function note(parameters: Map<string, string> | undefined, given: RegExpExecArray | null): void {
  if (parameters === undefined || given === null) return
  const key = (given[1] ?? '').toLowerCase()
  const value = given[2]?.replaceAll(/\\(.)/gs, '$1') ?? given[3] ?? ''
  if (!parameters.has(key)) parameters.set(key, value)
}

/** Splits at the commas that are not inside quotes. */
function itemsOf(header: string): readonly string[] {
  const items: string[] = []
  let from = 0
  let quoted = false
  for (let at = 0; at < header.length; at += 1) {
    const char = header.charAt(at)
    if (quoted && char === '\\') at += 1
    else if (char === '"') quoted = !quoted
    else if (char === ',' && !quoted) {
      items.push(header.slice(from, at))
      from = at + 1
    }
  }
  return [...items, header.slice(from)].map((item) => item.trim()).filter((item) => item !== '')
}
