/** Whether an image can do what Velero expects of a plugin: started as an initContainer, it copies its binary to /target. */
import type { InspectedImage, Inspection } from './image-config.ts'
import { platformText } from './platform.ts'
import type { CheckResult } from './result.ts'

const check = 'ShapeValid'

/**
 * Velero gives the initContainer neither command nor arguments (its pkg/builder/container_builder.go), so the image itself
 * must say what to start. What that does is seen only when it runs.
 */
export function shapeValid({ images }: Pick<Inspection, 'images'>): CheckResult {
  if (images.length === 0)
    return {
      check,
      ok: undefined,
      reason: 'NothingToLookAt',
      message: 'no image of it fits a node, so none was looked at',
    }
  const problems = images.map(problemOf).filter((problem) => problem !== undefined)
  const [first] = problems
  if (first !== undefined) return { ...first, check, ok: false }
  return { check, ok: true, reason: 'HasEntrypoint', message: 'it says itself what to start' }
}

function problemOf({
  config,
  artifactType,
}: InspectedImage): Pick<CheckResult, 'reason' | 'message'> | undefined {
  if (config === undefined) {
    const message = `wanted a container image, got something of type ${JSON.stringify(artifactType ?? 'unknown')}. Check the reference`
    return { reason: 'NotAnImage', message }
  }
  const [program = ''] = [...config.entrypoint, ...config.cmd]
  if (program !== '') return undefined
  const platform = platformText(config.platform)
  const message = `wanted an image that says what to start, got one for ${platform} with neither ENTRYPOINT nor CMD. Give it an ENTRYPOINT that copies the plugin to /target`
  return { reason: 'NoEntrypoint', message }
}
