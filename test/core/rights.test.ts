/** Which rights the account of an action needs: row by row what docs/actions.md and docs/scale-and-wait.md say. */
import t from 'tap'
import { actionKind, type ActionSpec } from '../../src/api/action.ts'
import { parse } from '../../src/api/parse.ts'
import { needsOf } from '../../src/core/rights.ts'

const deployment = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop' }
const web = { ...deployment, name: 'web' }
const selected = { ...deployment, selector: { matchLabels: { a: 'b' } } }
const patch = { spec: { paused: true } }
const revert = { undo: { revert: true } }
const one = ' apps/v1 Deployment shop/web'
const all = ' apps/v1 Deployment shop/*'

const specOf = (body: object): ActionSpec => {
  const parsed = parse(actionKind.spec, { stage: 'PreBackup', serviceAccountName: 'a', ...body }, 'spec')
  if ('problems' in parsed) throw new TypeError(JSON.stringify(parsed.problems))
  return parsed.ok
}

for (const [name, { spec, want }] of Object.entries({
  'a patch by name': { spec: { patch: { ...web, patch } }, want: [`patch${one}`] },
  'a patch by name that is put back': {
    spec: { patch: { ...web, patch }, ...revert },
    want: [`get patch${one}`],
  },
  'a JSON patch by name': { spec: { patch: { ...web, type: 'json', patch: [] } }, want: [`get patch${one}`] },
  'an apply by name': { spec: { patch: { ...web, type: 'apply', patch } }, want: [`get patch${one}`] },
  'a patch by labels': { spec: { patch: { ...selected, patch } }, want: [`list${all}`, `patch${all}`] },
  'a patch by labels that is put back': {
    spec: { patch: { ...selected, patch }, ...revert },
    want: [`list${all}`, `get patch${all}`],
  },
  'a patch of a part': {
    spec: { patch: { ...web, subresource: 'scale', patch } },
    want: [`patch${one} (scale)`],
  },
  'an undo by a patch of its own': {
    spec: { http: { url: 'http://a/' }, undo: { patch: { ...web, patch } } },
    want: [`patch${one}`],
  },
  'a scale by name': {
    spec: { scale: { ...web, replicas: 0 } },
    want: [`get patch${one} (scale)`, 'list autoscaling/v2 HorizontalPodAutoscaler shop/*'],
  },
  'a scale by labels': {
    spec: { scale: { ...selected, replicas: 0 } },
    want: [`list${all}`, `get patch${all} (scale)`, 'list autoscaling/v2 HorizontalPodAutoscaler shop/*'],
  },
  'a wait by name': { spec: { wait: { ...web, gone: true } }, want: [`list watch${one}`] },
  'a wait by labels': { spec: { wait: { ...selected, gone: true } }, want: [`list watch${all}`] },
  'a call': { spec: { serviceAccountName: undefined, http: { url: 'http://a/' } }, want: [] },
}))
  t.test(`what ${name} needs`, async (t) => {
    t.same(
      needsOf(specOf(spec)).map(({ verbs, apiVersion, kind, namespace, name: named = '*', subresource }) => {
        const part = subresource === undefined ? '' : ` (${subresource})`
        return `${verbs.join(' ')} ${apiVersion} ${kind} ${namespace ?? ''}/${named}${part}`
      }),
      want,
    )
  })
