/** What API servers are told of us, and whether it fits what we would show them. */
import type { X509Certificate } from 'node:crypto'
import { readBundle, readCertificate } from './certificate.ts'
import type { Told } from './ports.ts'

type AllTold = readonly Told[] | undefined

/** Whether every webhook is registered with an authority that signed this certificate. */
export function trusts(told: AllTold, pem: string): boolean {
  const leaf = readCertificate(pem)
  return leaf !== undefined && carries(told, (one) => leaf.verify(one.publicKey))
}

/** Whether every webhook is registered with such an authority. */
export const carries = (told: AllTold, isWanted: (authority: X509Certificate) => boolean): boolean =>
  told !== undefined &&
  told.length > 0 &&
  told.every(({ caBundle }) => readBundle(caBundle).some((one) => one.ca && isWanted(one)))

/** Whether every webhook is called by this path. */
export const isCalledBy = (told: AllTold, token: string): boolean =>
  told !== undefined && told.length > 0 && told.every((one) => one.token === token)

/** The path by which we are called: undefined if there is none, or more than one. */
export function calledToken(told: AllTold): string | undefined {
  const [first] = told ?? []
  return first !== undefined && isCalledBy(told, first.token) ? first.token : undefined
}
