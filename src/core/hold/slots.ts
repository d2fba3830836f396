/** How many Backups Velero works on at once: the flag --concurrent-backups (velero pkg/cmd/server/config/config.go), since 1.18. */
import { readPodTemplate } from '../plugin/deployment.ts'
import { at, textsAt } from '../velero.ts'

const flag = '--concurrent-backups'
const usual = 1

/** Of one Deployment; undefined if it does not run Velero. What cannot be read counts as Velero's default. */
export function backupsAtOnce(deployment: unknown): number | undefined {
  const template = readPodTemplate(deployment)
  if (template === undefined) return undefined
  const containers = at(deployment, 'spec', 'template', 'spec', 'containers')
  const server: unknown = Array.isArray(containers) ? containers[template.serverIndex] : undefined
  const words = [...textsAt(server, 'command'), ...textsAt(server, 'args')]
  const last = words.findLastIndex((word) => word === flag || word.startsWith(`${flag}=`))
  if (last === -1) return usual
  const value = words[last] === flag ? words[last + 1] : words[last]?.slice(flag.length + 1)
  const number = /^\d{1,4}$/.test(value ?? '') ? Number(value) : usual
  return Math.max(1, number)
}
