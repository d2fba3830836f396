/** What the leader publishes of the certificates it serves and wants trusted: dates and fingerprints, nothing secret. */
import { at, textAt, textsAt } from './velero.ts'

/** One certificate. Times are milliseconds; `turns`: when it is renewed; undefined where others keep it. */
export type CertificateFacts = {
  /** The SHA-256 of the certificate, in hex with colons. */
  readonly fingerprint: string
  readonly names: readonly string[]
  readonly until: number
  readonly turns: number | undefined
}

/** What is served, and the authorities that API servers are to trust. */
export type Certificates = {
  readonly serving: CertificateFacts
  readonly authorities: readonly CertificateFacts[]
}

const mostNames = 8
const mostAuthorities = 8

/** The text for an annotation. */
export const certificatesText = ({ serving, authorities }: Certificates): string =>
  JSON.stringify({
    serving: told(serving),
    authorities: authorities.slice(0, mostAuthorities).map(told),
  })

const told = ({ fingerprint, names, until, turns }: CertificateFacts) => ({
  fingerprint,
  names: names.slice(0, mostNames),
  until: new Date(until).toISOString(),
  ...(turns === undefined ? {} : { turns: new Date(turns).toISOString() }),
})

/** What a text says; undefined if it is no such text. */
export function certificatesIn(text: string): Certificates | undefined {
  let raw: unknown
  try {
    raw = JSON.parse(text)
  } catch {
    return undefined
  }
  const serving = factsIn(at(raw, 'serving'))
  const authorities = at(raw, 'authorities')
  if (serving === undefined) return undefined
  return {
    serving,
    authorities: (Array.isArray(authorities) ? authorities : [])
      .slice(0, mostAuthorities)
      .flatMap((one) => factsIn(one) ?? []),
  }
}

function factsIn(raw: unknown): CertificateFacts | undefined {
  const [until, turns] = [Date.parse(textAt(raw, 'until')), Date.parse(textAt(raw, 'turns'))]
  const fingerprint = textAt(raw, 'fingerprint')
  if (Number.isNaN(until) || fingerprint === '') return undefined
  return {
    fingerprint,
    names: textsAt(raw, 'names').slice(0, mostNames),
    until,
    turns: Number.isNaN(turns) ? undefined : turns,
  }
}
