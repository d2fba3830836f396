/** What an object may be called, and what its metadata may be. */
import assert from 'node:assert/strict'
import { about, inNamespace } from '../case.ts'
import { answered, refused, says } from '../expected.ts'
import { configMap, lease, paths } from '../objects.ts'

const uid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** The rules. */
export const cases = about('create', [
  inNamespace('no name is a 422', async (api, ns) => {
    refused(await api.post(paths.configMaps(ns), { metadata: {} }), {
      code: 422,
      reason: 'Invalid',
      message: 'ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required',
      details: {
        kind: 'ConfigMap',
        causes: [
          {
            reason: 'FieldValueRequired',
            message: 'Required value: name or generateName is required',
            field: 'metadata.name',
          },
        ],
      },
    })
  }),
  inNamespace('a name that is no DNS subdomain is a 422', async (api, ns) => {
    const text =
      "Invalid value: \"A_b\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
    refused(await api.post(paths.configMaps(ns), configMap('A_b')), {
      code: 422,
      reason: 'Invalid',
      message: `ConfigMap "A_b" is invalid: metadata.name: ${text}`,
      details: {
        name: 'A_b',
        kind: 'ConfigMap',
        causes: [{ reason: 'FieldValueInvalid', message: text, field: 'metadata.name' }],
      },
    })
  }),
  inNamespace('a name of more than 253 characters is a 422', async (api, ns) => {
    const answer = await api.post(paths.configMaps(ns), configMap('a'.repeat(254)))
    says(answer, 422, [
      'Invalid',
      /metadata\.name: Invalid value: "a+": must be no more than 253 characters$/,
    ])
  }),
  inNamespace(
    'generateName ends in five characters that are no vowels and not 0, 1 or 3',
    async (api, ns) => {
      const made = answered(await api.post(paths.leases(ns), { metadata: { generateName: 'g-' } }), 201)
      assert.match(made.metadata.name, /^g-[bcdfghjklmnpqrstvwxz2456789]{5}$/)
      assert.equal(made.metadata.generateName, 'g-')
    },
  ),
  inNamespace('generateName is cut so that the name has at most 63 characters', async (api, ns) => {
    const made = answered(
      await api.post(paths.leases(ns), { metadata: { generateName: 'g'.repeat(70) } }),
      201,
    )
    assert.equal(made.metadata.name.length, 63)
  }),
  inNamespace('a name beats generateName', async (api, ns) => {
    const made = answered(await api.post(paths.leases(ns), lease('a', {}, { generateName: 'g-' })), 201)
    assert.equal(made.metadata.name, 'a')
  }),
  inNamespace('uid, time of creation and selfLink of the client are not taken', async (api, ns) => {
    const given = { uid: 'x', creationTimestamp: '2001-01-01T00:00:00Z', selfLink: '/x' }
    const { metadata } = answered(await api.post(paths.leases(ns), lease('a', {}, given)), 201)
    assert.match(metadata.uid, uid)
    assert.notEqual(metadata.creationTimestamp, given.creationTimestamp)
  }),
  inNamespace('a deletionTimestamp of the client is not taken', async (api, ns) => {
    const given = { deletionTimestamp: '2001-01-01T00:00:00Z', deletionGracePeriodSeconds: 3 }
    const { metadata } = answered(await api.post(paths.leases(ns), lease('a', {}, given)), 201)
    assert.equal(metadata.deletionTimestamp, undefined)
    assert.equal(metadata.deletionGracePeriodSeconds, undefined)
  }),
  inNamespace('a label whose value is not allowed is a 422', async (api, ns) => {
    says(await api.post(paths.configMaps(ns), configMap('a', {}, { labels: { l: 'a b' } })), 422, [
      'Invalid',
      /^ConfigMap "a" is invalid: metadata\.labels: Invalid value: "a b": a valid label must be an empty string or consist of alphanumeric characters/,
    ])
  }),
  inNamespace('an annotation key that is not allowed is a 422', async (api, ns) => {
    says(await api.post(paths.configMaps(ns), configMap('a', {}, { annotations: { 'a b': '' } })), 422, [
      'Invalid',
      /^ConfigMap "a" is invalid: metadata\.annotations: Invalid value: "a b": name part must consist of alphanumeric characters/,
    ])
  }),
  inNamespace('annotations of more than 256 KiB in all are a 422', async (api, ns) => {
    const annotations = { a: 'x'.repeat(262_144) }
    says(await api.post(paths.configMaps(ns), configMap('a', {}, { annotations })), 422, [
      'Invalid',
      'ConfigMap "a" is invalid: metadata.annotations: Too long: may not be more than 262144 bytes',
    ])
  }),
])
