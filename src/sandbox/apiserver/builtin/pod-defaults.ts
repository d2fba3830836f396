/** The defaults of pod templates (kubernetes pkg/apis/core/v1/defaults.go). */
import { at, isObject, listAt, objectAt, own, textAt, type Json, type JsonObject } from '../json.ts'

const fill = (object: JsonObject, defaults: JsonObject): JsonObject =>
  Object.keys(defaults).every((key) => Object.hasOwn(object, key)) ? object : { ...defaults, ...object }

/** A pod's spec with its defaults; one without containers stays as it is, for validation to refuse. */
export function podSpecDefaults(spec: JsonObject): JsonObject {
  if (listAt(spec, 'containers').length === 0) return spec
  const lists = ['containers', 'initContainers'].filter((name) => listAt(spec, name).length > 0)
  const filled = lists.map(
    (name) => [name, listAt(spec, name).map((one) => (isObject(one) ? container(one) : one))] as const,
  )
  const volumes = listAt(spec, 'volumes').map(volume)
  const account = textAt(spec, 'serviceAccountName') || textAt(spec, 'serviceAccount')
  return fill(
    {
      ...spec,
      ...Object.fromEntries(filled),
      ...(volumes.length === 0 ? {} : { volumes }),
      ...(account === '' ? {} : { serviceAccountName: account, serviceAccount: account }),
    },
    {
      restartPolicy: 'Always',
      dnsPolicy: 'ClusterFirst',
      schedulerName: 'default-scheduler',
      terminationGracePeriodSeconds: 30,
      securityContext: {},
    },
  )
}

function container(one: JsonObject): JsonObject {
  const ports = listAt(one, 'ports').map((port) => (isObject(port) ? fill(port, { protocol: 'TCP' }) : port))
  return fill(
    { ...one, ...(ports.length === 0 ? {} : { ports }) },
    {
      terminationMessagePath: '/dev/termination-log',
      terminationMessagePolicy: 'File',
      imagePullPolicy: pullPolicy(textAt(one, 'image')),
      resources: {},
    },
  )
}

// :latest and no tag at all are pulled always; a digest or another tag only if absent.
function pullPolicy(image: string): string {
  const last = image.slice(image.lastIndexOf('/') + 1)
  if (last.includes('@')) return 'IfNotPresent'
  const [, tag = 'latest'] = last.split(':')
  return tag === 'latest' ? 'Always' : 'IfNotPresent'
}

// The sources that hold files have a mode.
const filed = ['secret', 'configMap', 'projected', 'downwardAPI']

function volume(one: Json): Json {
  if (!isObject(one)) return one
  const source = filed.find((name) => isObject(own(one, name)))
  if (source !== undefined) return { ...one, [source]: fill(objectAt(one, source), { defaultMode: 420 }) }
  const bare = Object.keys(one).every((key) => key === 'name')
  return bare && at(one, 'name') !== undefined ? { ...one, emptyDir: {} } : one
}
