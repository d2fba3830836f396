import t from 'tap'
import { registrationsOf } from '../../src/core/registration.ts'
import { toldIn } from '../../src/core/registration-told.ts'

const input = { name: 'tidewaiter', namespaces: ['velero'], token: 'ab12', caBundle: 'PEM\n' }
const service = { service: { namespace: 'tidewaiter', name: 'tidewaiter' } }

for (const [name, clientConfig] of Object.entries({ service, url: { url: 'https://127.0.0.1:9443' } })) {
  t.test(`what was registered by ${name} is read as it was written`, async (t) => {
    for (const configuration of registrationsOf({ ...input, clientConfig })) {
      const told = toldIn(configuration)
      t.ok(told.length > 2)
      for (const one of told) t.same(one, { caBundle: 'PEM\n', token: 'ab12' })
    }
  })

  t.test(`the manifests by ${name} tell neither authority nor path`, async (t) => {
    const [configuration] = registrationsOf({ ...input, token: '', caBundle: '', clientConfig })
    for (const one of toldIn(configuration)) t.same(one, { caBundle: '', token: '' })
  })
}

t.test('what is no configuration, or no base64, tells nothing', async (t) => {
  t.same(toldIn(undefined), [])
  t.same(
    toldIn({ webhooks: [{ name: 'hold.tidewaiter.io', clientConfig: { caBundle: '%%', url: 'no url' } }] }),
    [{ caBundle: '', token: '' }],
  )
})

t.test('a webhook of somebody else in our configuration holds nothing up', async (t) => {
  t.same(toldIn({ webhooks: [{ name: 'theirs.example.com', clientConfig: { caBundle: 'AAAA' } }] }), [])
})
