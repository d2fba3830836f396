/** The certificates of the webhook: what the leader says it serves and wants trusted, beside what callers meet. Pure. */
import type { CertificateFacts, Certificates } from '../core/certificates.ts'
import type { Served } from './ports.ts'

/** One certificate as the page shows it. */
export type CertificateRow = {
  readonly use: 'Served' | 'Trusted'
  readonly fingerprint: string
  readonly names: readonly string[]
  readonly until: number
  /** Absent where others renew it, or nobody said. */
  readonly turns: number | undefined
  /** Whether the leader says that it serves it; undefined: no leader said anything. */
  readonly byLeader: boolean | undefined
  /** How many of so many connections showed it. */
  readonly met: { readonly count: number; readonly of: number } | undefined
}

/** A row for each: those that are served first. */
export function certificateRows(
  told: Certificates | undefined,
  { certificates, connections }: Served,
): readonly CertificateRow[] {
  const metOf = (fingerprint: string) => ({
    count: certificates.find((one) => one.fingerprint === fingerprint)?.connections ?? 0,
    of: connections,
  })
  const row = (use: CertificateRow['use'], facts: CertificateFacts): CertificateRow => ({
    use,
    ...facts,
    byLeader: use === 'Served' ? true : undefined,
    met: use === 'Served' && connections > 0 ? metOf(facts.fingerprint) : undefined,
  })
  const others = certificates.filter(({ fingerprint }) => fingerprint !== told?.serving.fingerprint)
  return [
    ...(told === undefined ? [] : [row('Served', told.serving)]),
    ...others.map(({ fingerprint, until }): CertificateRow => ({
      use: 'Served',
      fingerprint,
      names: [],
      until,
      turns: undefined,
      byLeader: told === undefined ? undefined : false,
      met: metOf(fingerprint),
    })),
    ...(told?.authorities ?? []).map((one) => row('Trusted', one)),
  ]
}
