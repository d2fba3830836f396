/** Which representation a client wants: JSON as it is, a Table, metadata only, or YAML. */
import { notAcceptable } from '../errors/status.ts'

/** What the answer is turned into. */
export type Wanted = 'object' | 'table' | 'metadata' | 'metadata-list' | 'yaml'

/** The first representation of an Accept header that is spoken here; throws 406 if none is. */
export function negotiate(accept: string): Wanted {
  if (accept.trim() === '') return 'object'
  for (const one of accept.split(',')) {
    const [type = '', ...parameters] = one.split(';').map((part) => part.trim())
    const wanted = wantedBy(type, parameters.join(';'))
    if (wanted !== undefined) return wanted
  }
  throw notAcceptable()
}

function wantedBy(type: string, parameters: string): Wanted | undefined {
  if (type === 'application/yaml') return 'yaml'
  if (!['application/json', 'application/*', '*/*'].includes(type)) return undefined
  const { as, v = '', g } = Object.fromEntries(new URLSearchParams(parameters.replaceAll(';', '&')))
  if (as === undefined) return 'object'
  // v1beta1 tables have another shape; nobody asks for them any more.
  if (g !== 'meta.k8s.io' || (v !== 'v1' && (v !== 'v1beta1' || as === 'Table'))) return undefined
  return transformed[as]
}

const transformed: Readonly<Record<string, Wanted>> = {
  Table: 'table',
  PartialObjectMetadata: 'metadata',
  PartialObjectMetadataList: 'metadata-list',
}
