/** Names of initContainers. */
import fc from 'fast-check'
import t from 'tap'
import { parseImage } from '../../../src/core/image.ts'
import { derivedName, freeName } from '../../../src/core/plugin/names.ts'
import { hash } from '../../../src/wiring/crypto.ts'
import { runs } from '../../support/runs.ts'

const sha = 'a'.repeat(64)

// The cases of velero pkg/builder/container_builder_test.go (1.18.3), by what they show.
const veleros: Readonly<Record<string, { readonly image: string; readonly want: string }>> = {
  'registry and tag go': { image: 'gcr.io/my-repo/my-image:latest', want: 'my-repo-my-image' },
  'without a tag too': { image: 'gcr.io/my-repo/my-image', want: 'my-repo-my-image' },
  'two parts are no registry': { image: 'my-repo/my-image:latest', want: 'my-repo-my-image' },
  'a port goes with the registry': {
    image: 'mycustomregistry.io:8080/my-repo/my-image:latest',
    want: 'my-repo-my-image',
  },
  'one part is a name': { image: 'my-image', want: 'my-image' },
  'every part of the path stays': {
    image: 'gcr.io/my-repo/mystery/another/my-image',
    want: 'my-repo-mystery-another-my-image',
  },
  'an underscore becomes a hyphen': {
    image: 'projects.registry.vmware.com/tanzu_migrator/route-2-httpproxy:myTag',
    want: 'tanzu-migrator-route-2-httpproxy',
  },
  'a dot becomes a hyphen': {
    image: 'projects.registry.vmware.com/tanzu.migrator/route-2-httpproxy:myTag',
    want: 'tanzu-migrator-route-2-httpproxy',
  },
  'a digest goes': { image: `quay.io/vmware-tanzu/velero@sha256:${sha}`, want: 'vmware-tanzu-velero' },
  'a registry with one part stays in the name': { image: 'quay.io/velero:1', want: 'quay-io-velero' },
}

for (const [name, { image, want }] of Object.entries(veleros)) {
  t.test(`as Velero: ${name}`, async (t) => t.equal(derivedName(image, hash), want))
}

t.test('as Velero: 63 characters, cut with six digits of the hash of the whole', async (t) => {
  const whole = 'redhat-user-workloads-ocp-art-tenant-oadp-hypershift-oadp-plugin-main'
  const name = derivedName(
    `arohcpsvcdev.azurecr.io/redhat-user-workloads/ocp-art-tenant/oadp-hypershift-oadp-plugin-main@sha256:${sha}`,
    hash,
  )
  t.equal(name, `${whole.slice(0, 57)}${hash(whole).slice(0, 6)}`)
  t.equal(name.length, 63)
})

const others: Readonly<Record<string, { readonly image: string; readonly want: string }>> = {
  'a tag beside a digest goes too': { image: `quay.io/a/b:1@sha256:${sha}`, want: 'a-b' },
  'a port of a registry with one part is not taken for a tag': {
    image: 'localhost:5000/img',
    want: 'localhost-5000-img',
  },
  'nor beside a tag': { image: 'localhost:5000/img:1', want: 'localhost-5000-img' },
  'a host in upper case is put in lower case': { image: 'Quay.IO/a', want: 'quay-io-a' },
  'an IPv6 host leaves no hyphen in front': { image: '[::1]:5000/a', want: '1--5000-a' },
}

for (const [name, { image, want }] of Object.entries(others)) {
  t.test(`where Velero's would be refused: ${name}`, async (t) => t.equal(derivedName(image, hash), want))
}

const texts = fc.string({ unit: fc.constantFrom(...'aB0.:/@_-'), minLength: 1, maxLength: 90 })

t.test('property: the name of every image is a DNS label', async () => {
  const images = fc.oneof(
    texts,
    fc
      .array(fc.stringMatching(/^[a-z0-9]{1,30}$/), { minLength: 1, maxLength: 6 })
      .map((parts) => parts.join('/')),
  )
  fc.assert(
    fc.property(images, (image) => {
      return (
        'fault' in parseImage(image) || /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(derivedName(image, hash))
      )
    }),
    { seed: 503, numRuns: runs(5000) },
  )
})

t.test(
  'a name that is free stays; one that is taken gets a suffix of its image, the same every time',
  async (t) => {
    const wanted = { name: 'a-b', place: 'quay.io/a/b' }
    t.equal(freeName(wanted, new Set(['other']), hash), 'a-b')
    const once = freeName(wanted, new Set(['a-b']), hash)
    t.match(once, /^a-b-[0-9a-f]{5}$/)
    t.equal(freeName(wanted, new Set(['a-b']), hash), once)
    t.not(freeName({ ...wanted, place: 'gcr.io/a/b' }, new Set(['a-b']), hash), once)
    t.not(freeName(wanted, new Set(['a-b', once]), hash), once)
  },
)

t.test('a long name with a suffix has 63 characters, and no two hyphens where it was cut', async (t) => {
  const name = `${'a'.repeat(56)}-${'b'.repeat(6)}`
  const free = freeName({ name, place: 'x' }, new Set([name]), hash)
  t.match(free, /^a{56}-[0-9a-f]{5}$/)
})
