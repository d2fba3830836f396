/** The rules of pod templates whose breach clients meet (kubernetes pkg/apis/core/validation/validation.go, ValidatePodSpec). */
import { required, wrong, type FieldError } from '../errors/field.ts'
import { listAt, textAt, type Json, type JsonObject } from '../json.ts'

const duplicate = (field: string, value: string): FieldError => ({
  type: 'FieldValueDuplicate',
  field,
  value,
})

/** The problems of a pod's spec, in the order of the real server: volumes, containers, initContainers. */
export function podSpecProblems(spec: JsonObject, field: string): readonly FieldError[] {
  const containers = listAt(spec, 'containers')
  if (containers.length === 0) return [required(`${field}.containers`)]
  const volumes = listAt(spec, 'volumes').map((one) => textAt(one, 'name'))
  const names = new Set<string>()
  const inOrder = [
    ...containers.map((one, index) => ({ one, at: `${field}.containers[${index}]` })),
    ...listAt(spec, 'initContainers').map((one, index) => ({ one, at: `${field}.initContainers[${index}]` })),
  ]
  return [
    ...volumes.flatMap((name, index) =>
      volumes.indexOf(name) < index ? [duplicate(`${field}.volumes[${index}].name`, name)] : [],
    ),
    ...inOrder.flatMap(({ one, at }) => [
      ...containerProblems(one, at, names),
      ...mountProblems(one, at, new Set(volumes)),
    ]),
  ]
}

function containerProblems(one: Json, at: string, names: Set<string>): readonly FieldError[] {
  const name = textAt(one, 'name')
  const twice = names.has(name)
  names.add(name)
  return [
    ...(name === '' ? [required(`${at}.name`)] : twice ? [duplicate(`${at}.name`, name)] : []),
    ...(textAt(one, 'image') === '' ? [required(`${at}.image`)] : []),
  ]
}

function mountProblems(container: Json, at: string, volumes: ReadonlySet<string>): readonly FieldError[] {
  const mounted = new Set<string>()
  return listAt(container, 'volumeMounts').flatMap((mount, index) => {
    const field = `${at}.volumeMounts[${index}]`
    const [name, path] = [textAt(mount, 'name'), textAt(mount, 'mountPath')]
    const errors: FieldError[] = []
    if (name === '') errors.push(required(`${field}.name`))
    if (!volumes.has(name)) errors.push({ type: 'FieldValueNotFound', field: `${field}.name`, value: name })
    if (path === '') errors.push(required(`${field}.mountPath`))
    else if (mounted.has(path)) errors.push(wrong(`${field}.mountPath`, path, 'must be unique'))
    mounted.add(path)
    return errors
  })
}
