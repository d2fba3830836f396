import t from 'tap'
import { callOf } from '../../src/core/calls.ts'

const web = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name: 'web' }

for (const [name, { holder, want }] of Object.entries({
  'an HTTP call': { holder: { http: { method: 'PUT', url: 'https://a/' } }, want: 'PUT https://a/' },
  'one that says no method': { holder: { http: { url: 'https://a/' } }, want: 'POST https://a/' },
  'a patch of a part': {
    holder: { patch: { ...web, subresource: 'scale' } },
    want: 'PATCH apps/v1 Deployment shop/web (scale)',
  },
  'a scale': { holder: { scale: { ...web, replicas: 0 } }, want: 'scale apps/v1 Deployment shop/web to 0' },
  'a wait': {
    holder: { wait: { apiVersion: 'v1', kind: 'Pod', selector: {} } },
    want: 'wait for v1 Pod * (by labels)',
  },
  'a body that is not known': { holder: { exec: {} }, want: undefined },
  nothing: { holder: undefined, want: undefined },
}))
  t.test(`what an Action does, in a phrase: ${name}`, async (t) => {
    t.equal(callOf(holder), want)
  })
