/** Names as label values (velero pkg/label/label.go GetValidName). */
import { createHash } from 'node:crypto'

/** The name itself up to 63 characters; a longer one keeps 57 and gets 6 of its SHA-256. */
export function labelName(name: string): string {
  if (name.length <= 63) return name
  return name.slice(0, 57) + createHash('sha256').update(name).digest('hex').slice(0, 6)
}
