/**
 * What an UPDATE does to the pod template beside what is ours. Helm and GitOps write the whole manifest again and again, and it knows
 * nothing of our initContainers: this must not restart Velero, which would fail what it is running.
 */
import { isSame } from '../same.ts'
import { at, objectAt, textAt, type Json } from '../velero.ts'
import { isSameFolder, pluginFolder, readPodTemplate, type PodTemplate } from './deployment.ts'
import { pluginImagesAnnotation, imageBefore, replacedIn } from './images-mark.ts'
import { marked, pluginsAnnotation, pullSecretsAnnotation, volumeOf } from './patch.ts'
import { restartedAt, restartedAtOf } from './restart.ts'

/** Nothing; only what we had put in is lost; or more than that. */
export type TemplateChange = 'none' | 'ours lost' | 'changed'

/** Compares the template with the one before. */
export function templateChange(object: unknown, oldObject: unknown): TemplateChange {
  const [now, before] = [objectAt(object, 'spec', 'template'), objectAt(oldObject, 'spec', 'template')]
  if (isSame(now, before)) return 'none'
  const read = readPodTemplate(oldObject)
  if (read === undefined) return 'changed'
  if (marked(read, pluginsAnnotation).length === 0 && replacedIn(read).size === 0) return 'changed'
  const back = withImagesBack(before, now, read)
  // A merge of three ways sets images of others back, and leaves all that is ours.
  return isSame(now, back) || isSame(now, withoutLost(back, now, read)) ? 'ours lost' : 'changed'
}

/** The template before, with those images of others as they were that are so in the one of now. */
function withImagesBack(before: Json, now: Json, read: PodTemplate): Json {
  const replaced = replacedIn(read)
  const images = new Map(
    listAt(at(now, 'spec'), 'initContainers').map((one) => [textAt(one, 'name'), textAt(one, 'image')]),
  )
  const spec = objectAt(before, 'spec')
  const initContainers = listAt(spec, 'initContainers').map((one) => {
    const name = textAt(one, 'name')
    const was = imageBefore(replaced, { name, image: textAt(one, 'image') })
    return was !== undefined && images.get(name) === was ? { ...objectAt({ one }, 'one'), image: was } : one
  })
  return { ...before, spec: withList(spec, 'initContainers', initContainers) }
}

/** The template before, without those parts of ours that the one of now lacks. */
function withoutLost(before: Json, now: Json, read: PodTemplate): Json {
  const [spec, specNow] = [objectAt(before, 'spec'), objectAt(now, 'spec')]
  const lists = {
    initContainers: marked(read, pluginsAnnotation),
    imagePullSecrets: marked(read, pullSecretsAnnotation),
    volumes: [volumeOf(read)],
  }
  const kept = Object.entries(lists).reduce<Json>(
    (pod, [key, ours]) => withList(pod, key, stillThere(listAt(spec, key), listAt(specNow, key), ours)),
    spec,
  )
  const containers = listAt(spec, 'containers').map((one, index) =>
    index === read.serverIndex ? withoutLostMount(one, listAt(specNow, 'containers')[index]) : one,
  )
  return { ...before, metadata: withoutMarks(before, now), spec: { ...kept, containers } }
}

const listAt = (object: unknown, key: string): readonly unknown[] => {
  const value = at(object, key)
  return Array.isArray(value) ? value : []
}

/** The API server leaves empty lists and maps out. */
function withList(object: Json, key: string, list: readonly unknown[]): Json {
  const { [key]: _, ...rest } = object
  return list.length === 0 ? rest : { ...rest, [key]: list }
}

function stillThere(
  before: readonly unknown[],
  now: readonly unknown[],
  ours: readonly string[],
): readonly unknown[] {
  const names = new Set(now.map((one) => textAt(one, 'name')))
  return before.filter((one) => names.has(textAt(one, 'name')) || !ours.includes(textAt(one, 'name')))
}

const isPlugins = (mount: unknown): boolean => isSameFolder(textAt(mount, 'mountPath'), pluginFolder)

function withoutLostMount(container: unknown, now: unknown): unknown {
  const mounts = listAt(container, 'volumeMounts')
  return listAt(now, 'volumeMounts').some(isPlugins)
    ? container
    : withList(
        objectAt({ container }, 'container'),
        'volumeMounts',
        mounts.filter((one) => !isPlugins(one)),
      )
}

/**
 * Whoever keeps our marks works on what is there, and means what is taken out; a manifest that knows nothing of us lacks them. Nor does
 * it know when Velero was restarted last, and taking that away would restart it once more.
 */
function withoutMarks(template: Json, now: Json): Json {
  const { annotations: _, ...rest } = objectAt(template, 'metadata')
  const lost = new Set([
    pluginsAnnotation,
    pluginImagesAnnotation,
    pullSecretsAnnotation,
    ...(restartedAtOf(now) === '' ? [restartedAt] : []),
  ])
  const annotations = Object.entries(objectAt(template, 'metadata', 'annotations')).filter(
    ([key]) => !lost.has(key),
  )
  return annotations.length === 0 ? rest : { ...rest, annotations: Object.fromEntries(annotations) }
}
