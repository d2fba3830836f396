/** The part of every object that the reflector itself reads. */
import { KubeError, objectIn, textIn } from './errors.ts'

/** Who an object is, and which state of it this is. */
export type Identity = {
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly resourceVersion: string
}

/** The identity of an object from a list or a watch; one without a name and a version is a BAD_ANSWER. */
export function identityOf(raw: unknown): Identity {
  const metadata = objectIn(objectIn(raw)?.['metadata'])
  const name = textIn(metadata?.['name'])
  const resourceVersion = textIn(metadata?.['resourceVersion'])
  if (name === undefined || resourceVersion === undefined) {
    throw new KubeError(
      'BAD_ANSWER',
      'an object must have metadata.name and metadata.resourceVersion, got one without',
    )
  }
  return {
    namespace: textIn(metadata?.['namespace']) ?? '',
    name,
    uid: textIn(metadata?.['uid']) ?? '',
    resourceVersion,
  }
}
