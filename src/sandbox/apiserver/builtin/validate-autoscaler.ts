/** HorizontalPodAutoscalers (kubernetes pkg/apis/autoscaling/validation): their bounds and what they target. */
import { forbiddenField, required, wrong, type FieldError } from '../errors/field.ts'
import { at, listAt, objectAt, textAt, type Json, type JsonObject } from '../json.ts'

/** The problems of a HorizontalPodAutoscaler. */
export function autoscalerProblems(object: JsonObject): readonly FieldError[] {
  const spec = objectAt(object, 'spec')
  return [
    ...boundProblems(spec),
    ...targetProblems(objectAt(spec, 'scaleTargetRef')),
    ...metricProblems(spec),
  ]
}

function boundProblems(spec: JsonObject): readonly FieldError[] {
  const [least, most] = [spec['minReplicas'], spec['maxReplicas']].map(number)
  const errors: FieldError[] = []
  // Without the feature gate HPAScaleToZero.
  if (least !== undefined && least < 1)
    errors.push(wrong('spec.minReplicas', least, 'must be greater than or equal to 1'))
  if (most === undefined || most < 1)
    errors.push(required('spec.maxReplicas', 'must be set and greater than 0'))
  else if (least !== undefined && most < least)
    errors.push(wrong('spec.maxReplicas', most, 'must be greater than or equal to `minReplicas`'))
  return errors
}

function targetProblems(target: JsonObject): readonly FieldError[] {
  const path = 'spec.scaleTargetRef'
  const parts = ['kind', 'name'].flatMap((key) => {
    const text = textAt(target, key)
    if (text === '') return [required(`${path}.${key}`)]
    return text.includes('/') ? [wrong(`${path}.${key}`, text, "may not contain '/'")] : []
  })
  const version = textAt(target, 'apiVersion')
  return version.includes('/')
    ? parts
    : [...parts, wrong(`${path}.apiVersion`, version, 'apiVersion must specify API group')]
}

function metricProblems(spec: JsonObject): readonly FieldError[] {
  const types = listAt(spec, 'metrics').map((metric) => at(metric, 'type'))
  const scales = types.some((type) => type === 'Object' || type === 'External')
  return spec['minReplicas'] === 0 && !scales
    ? [
        forbiddenField(
          'spec.metrics',
          'must specify at least one Object or External metric to support scaling to zero replicas',
        ),
      ]
    : []
}

const number = (value: Json | undefined): number | undefined =>
  typeof value === 'number' ? value : undefined
