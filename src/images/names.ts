/** Names of images and values of registries in messages. */
import type { Image } from './ports.ts'

/** An image as people write it. */
export const nameOf = ({ registry, repository, tag, digest }: Image): string =>
  `${registry}/${repository}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`

/**
 * A value as a registry sent it. A long one is not shown at all rather than cut: a mask no longer finds a secret that
 * was cut in two.
 */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length <= 80 ? text : `a value of ${text.length} characters`
}
