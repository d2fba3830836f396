/**
 * The mark for images of others' initContainers that we brought up to date: a manifest that is applied again sets them back to what
 * they were, and a plugin that is declared no more leaves that behind.
 */
import { placeOfText } from '../image.ts'
import type { InitContainer, PodTemplate } from './deployment.ts'

/** On the pod template: `NAME=WAS>IS`, with commas between them. */
export const pluginImagesAnnotation = 'tidewaiter.io/plugin-images'

/** What an image was, and what we made it. */
export type Replaced = { readonly was: string; readonly is: string }

// 256 KiB is all that annotations may have (apimachinery pkg/api/validation/objectmeta.go), and a reference may have 1024 characters.
const mostMarked = 64

/** By initContainer. Two versions of one image, or it is none of our marks: who edits one brings no other image in with it. */
export function replacedIn({ annotations = {} }: PodTemplate): ReadonlyMap<string, Replaced> {
  const entries = (annotations[pluginImagesAnnotation] ?? '').split(',').flatMap((entry) => {
    const [, name, was, is] = /^([^=>]+)=([^=>]+)>([^=>]+)$/u.exec(entry) ?? []
    if (name === undefined || was === undefined || is === undefined) return []
    return placeOfText(was) === placeOfText(is) ? [[name, { was, is }] as const] : []
  })
  return new Map(entries)
}

/** What stands in the mark; of more than it can hold none but the first are put back later. */
export const imageMarks = (replaced: ReadonlyMap<string, Replaced>): readonly string[] =>
  [...replaced]
    .map(([name, { was, is }]) => `${name}=${was}>${is}`)
    .sort()
    .slice(0, mostMarked)

/** What the image of another's initContainer was before we brought it up to date; undefined: it is not as we wrote it. */
export function imageBefore(
  replaced: ReadonlyMap<string, Replaced>,
  { name, image }: Pick<InitContainer, 'name' | 'image'>,
): string | undefined {
  const found = replaced.get(name)
  return found?.is === image ? found.was : undefined
}
