/** Environment variables that look like settings and are none: a typo would otherwise be a default that nobody wanted. */
import { nearest } from '../api/nearest.ts'

type Text = Readonly<Record<string, string | undefined>>

const prefix = 'TIDEWAITER_'

/**
 * What Kubernetes puts into each container for the Services of its namespace, unless enableServiceLinks is false: those of
 * ours are named like our settings (kubelet pkg/kubelet/envvars/envvars.go).
 */
const serviceLink =
  /_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$/

/** A sentence for each; `known` are the variables that are read. */
export function unknownVariables(env: Text, known: readonly string[]): readonly string[] {
  const bare = known.map((name) => name.slice(prefix.length))
  return Object.keys(env)
    .filter((name) => name.startsWith(prefix) && !known.includes(name) && !serviceLink.test(name))
    .sort()
    .map((name) => {
      const near = nearest(name.slice(prefix.length), bare)
      const meant = near === undefined ? '' : `: did you mean ${prefix}${near}?`
      return `the environment variable ${name} is no setting of tidewaiter, and is ignored${meant}`
    })
}
