/** The actor of whoever calls nobody: a body that does not call the Kubernetes API, a command that renders only. */
import type { Actor } from './ports.ts'

const never = () => Promise.reject(new Error('nobody may be acted for here'))

/** Every call of it is a bug. */
export const nobody: Actor = { account: 'nobody', get: never, list: never, patch: never, watch: never }
