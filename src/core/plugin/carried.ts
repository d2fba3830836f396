/** What a Velero Deployment carries of a declared plugin. */
import { parseImage, placeOf } from '../image.ts'
import { pinned, type DeclaredPlugin } from './declared.ts'
import type { InitContainer, PodTemplate } from './deployment.ts'
import { isByUs } from './patch.ts'
import { isSameImage } from './placement.ts'

/** The initContainer that carries a plugin, in whatever version; undefined: none does. */
export function carrierOf(template: PodTemplate, plugin: DeclaredPlugin): InitContainer | undefined {
  const place = placeOf(plugin.reference)
  return template.initContainers?.find(({ image }) => {
    const read = parseImage(image)
    return 'ok' in read && placeOf(read.ok) === place
  })
}

/** The digest that we pinned this very tag to, if one of the templates says so. */
export const carriedPin = (templates: readonly PodTemplate[], plugin: DeclaredPlugin): string | undefined =>
  templates.map((template) => pinIn(template, plugin)).find((digest) => digest !== undefined)

function pinIn(template: PodTemplate, plugin: DeclaredPlugin): string | undefined {
  const carrier = carrierOf(template, plugin)
  if (carrier === undefined || !isByUs(template, carrier)) return undefined
  const read = parseImage(carrier.image)
  return 'ok' in read && read.ok.tag === plugin.reference.tag ? read.ok.digest : undefined
}

/** Whether a template runs a plugin at this digest (or, where none is known, as it is declared). */
export function carries(template: PodTemplate, plugin: DeclaredPlugin, digest: string | undefined): boolean {
  const carrier = carrierOf(template, plugin)
  return (
    carrier !== undefined &&
    isSameImage(carrier.image, digest === undefined ? plugin : pinned(plugin, digest))
  )
}
