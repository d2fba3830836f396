/** Declared plugins for tests. */
import { parseImage } from '../../src/core/image.ts'
import type { DeclaredPlugin } from '../../src/core/plugin/declared.ts'

/** A plugin with this image, named acme. */
export function aPlugin(image: string, given: Partial<DeclaredPlugin> = {}): DeclaredPlugin {
  const read = parseImage(image)
  if (!('ok' in read)) throw new Error(`${image} is no reference`)
  return {
    name: 'acme',
    declaredIn: 'VeleroPlugin velero/acme',
    image,
    reference: read.ok,
    imagePullPolicy: 'IfNotPresent',
    enforcement: 'Enforce',
    initContainer: 'acme-plugin',
    ...given,
  }
}
