/** Listening on an address that was configured; what fails says which flag to change. */
import type { Listen } from '../config-values.ts'
import { StartError } from '../start-error.ts'

/** Listens. Throws StartError naming the flag. */
export async function listening<T>(flag: string, at: Listen, listen: () => Promise<T>): Promise<T> {
  try {
    return await listen()
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : ''
    const where = `${at.host}:${at.port}`
    if (code === 'EADDRINUSE')
      throw new StartError(
        4,
        `${flag} ${where} is taken by another process: stop it, or choose another address`,
        { cause },
      )
    if (code === 'EACCES')
      throw new StartError(4, `${flag} ${where} may not be listened on: choose a port above 1023`, { cause })
    throw new StartError(4, `${flag} ${where} cannot be listened on: ${String(cause)}`, { cause })
  }
}
