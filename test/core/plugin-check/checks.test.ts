import t from 'tap'
import { registryCodes } from '../../../src/core/plugin-check/failure.ts'
import type { InspectedImage } from '../../../src/core/plugin-check/image-config.ts'
import { tagUnmoved } from '../../../src/core/plugin-check/moved.ts'
import { platformSupported } from '../../../src/core/plugin-check/platform-check.ts'
import { bestFor, fit, parsePlatform, platformText } from '../../../src/core/plugin-check/platform.ts'
import type { Platform } from '../../../src/core/plugin-check/platform.ts'
import { pullSecretValid } from '../../../src/core/plugin-check/pull-secret.ts'
import { manifestReachable } from '../../../src/core/plugin-check/reachable.ts'
import { shapeValid } from '../../../src/core/plugin-check/shape.ts'

function platform(text: string): Platform {
  const read = parsePlatform(text)
  if (read === undefined) throw new Error(`${text} is no platform`)
  return read
}
const offering = (...texts: readonly string[]) => ({
  digest: 'sha256:d',
  mediaType: 'm',
  platforms: texts.map(platform),
  images: [],
})
const image = (given: Partial<InspectedImage['config'] & object> = {}): InspectedImage => ({
  digest: 'sha256:i',
  config: { platform: platform('linux/amd64'), entrypoint: [], cmd: [], ...given },
})

// --- platforms ---

const fits: Readonly<Record<string, number | undefined>> = {
  'linux/amd64 on linux/amd64': 0,
  'linux/x86_64 on linux/amd64': 0,
  'linux/amd64/v1 on linux/amd64': 0,
  'linux/amd64/v3 on linux/amd64': undefined,
  'linux/amd64/v2 on linux/amd64/v3': 1,
  'linux/386 on linux/amd64': undefined,
  'linux/arm64/v8 on linux/arm64': 0,
  'linux/aarch64 on linux/arm64': 0,
  'linux/arm64/v9 on linux/arm64': undefined,
  'linux/arm/v6 on linux/arm': 1,
  'linux/arm on linux/arm/7': 0,
  'linux/armhf on linux/arm/v7': 0,
  'linux/arm/v7 on linux/arm64': undefined,
  'linux/ppc64le on linux/ppc64le': 0,
  'linux/riscv64/rva23 on linux/riscv64': undefined,
  'windows/amd64 on linux/amd64': undefined,
  'Linux/AMD64 on linux/amd64': 0,
  'linux/__proto__ on linux/amd64': undefined,
}
for (const [name, want] of Object.entries(fits)) {
  const [has = '', node = ''] = name.split(' on ')
  t.test(`${name} ${want === undefined ? 'does not fit' : 'fits'}`, async (t) => {
    t.equal(fit(platform(has), platform(node)), want)
  })
}
t.test('the newest variant that a node can run is taken, and of equals the first', async (t) => {
  const images = ['linux/arm/v5', 'linux/arm/v7', 'linux/arm/v6', 'linux/arm'].map((text, at) => ({
    platform: platform(text),
    at,
  }))
  t.equal(bestFor(platform('linux/arm/v7'), images)?.at, 1)
  t.equal(bestFor(platform('linux/s390x'), images), undefined)
})
t.test('a platform is written as it is read, and nothing else is one', async (t) => {
  for (const text of ['linux/amd64', 'linux/arm/v7']) t.equal(platformText(platform(text)), text)
  for (const text of ['', 'linux', 'a/b/c/d', 'a//b', 'linux/ amd64'])
    t.equal(parsePlatform(text), undefined, text)
})

t.test('every node must have an image', async (t) => {
  const nodes = ['linux/amd64', 'linux/arm64', 'linux/arm64'].map(platform)
  t.match(platformSupported(offering('linux/amd64', 'linux/arm64/v8'), nodes), {
    check: 'PlatformSupported',
    ok: true,
    reason: 'PlatformFits',
    message: 'it is built for linux/amd64, linux/arm64',
  })
  t.match(platformSupported(offering('linux/amd64'), nodes), {
    ok: false,
    reason: 'PlatformMissingOnSomeNodes',
    message: /wanted an image for linux\/arm64, got linux\/amd64\. /,
  })
  t.match(platformSupported(offering('windows/amd64'), nodes), { ok: false, reason: 'PlatformMissing' })
  t.match(platformSupported(offering(), nodes), { ok: false, message: /got none/ })
})
t.test('without a node nothing is decided', async (t) => {
  t.match(platformSupported(offering('linux/amd64'), []), { ok: undefined, reason: 'NodesUnknown' })
})
t.test('a list of a thousand platforms is not told whole', async (t) => {
  const many = Array.from({ length: 1000 }, (_, i) => `os${i}/a`)
  t.match(platformSupported(offering(...many), [platform('linux/amd64')]).message, /os9\/a and 990 more\./)
})

// --- shape ---

t.test('an entrypoint or a command is enough, an empty one is none', async (t) => {
  t.match(shapeValid({ images: [image({ entrypoint: ['cp'] }), image({ cmd: ['cp'] })] }), {
    check: 'ShapeValid',
    ok: true,
  })
  t.match(shapeValid({ images: [image({ entrypoint: ['cp'] }), image()] }), {
    ok: false,
    reason: 'NoEntrypoint',
    message: /for linux\/amd64 with neither ENTRYPOINT nor CMD.*copies the plugin to \/target/,
  })
  t.match(shapeValid({ images: [image({ entrypoint: [''] })] }), { ok: false })
})
t.test('a chart is no image', async (t) => {
  const got = shapeValid({ images: [{ digest: 'd', config: undefined, artifactType: 'helm' }] })
  t.match(got, { ok: false, reason: 'NotAnImage', message: /something of type "helm"/ })
  t.match(shapeValid({ images: [{ digest: 'd', config: undefined }] }).message, /unknown/)
})
t.test('if nothing was looked at nothing is decided', async (t) => {
  t.match(shapeValid({ images: [] }), { ok: undefined, reason: 'NothingToLookAt' })
})

// --- reachable ---

t.test('an image that was found is reachable', async (t) => {
  t.match(manifestReachable({ ok: offering() }), {
    check: 'ManifestReachable',
    ok: true,
    message: /sha256:d/,
  })
})
t.test('what may pass by itself leaves it undecided, everything else is a no', async (t) => {
  const undecided = ['TOO_MANY', 'SERVER_ERROR', 'UNREACHABLE', 'TIMEOUT', 'ABORTED']
  for (const [code, { reason, passing }] of Object.entries(registryCodes)) {
    const got = manifestReachable({ failed: { code: code as keyof typeof registryCodes, message: 'm' } })
    t.match(got, { reason, message: 'm', ok: undecided.includes(code) ? undefined : false }, code)
    t.equal(passing, undecided.includes(code), code)
    t.match(reason, /^[A-Z][A-Za-z]+$/)
  }
})

// --- pull secrets ---

const secrets: Readonly<Record<string, { seen: Parameters<typeof pullSecretValid>[1]; want: object }>> = {
  'a pull secret must exist': {
    seen: undefined,
    want: { ok: false, reason: 'SecretNotFound', message: /wanted the Secret velero\/pull, got none/ },
  },
  'a pull secret must be readable': {
    seen: { problem: 'it is torn' },
    want: { ok: false, reason: 'SecretUnusable', message: /^it is torn\. / },
  },
  'a pull secret with what the kubelet does not read is a no': {
    seen: {
      ok: {
        notes: [
          { reason: 'EntryEmpty', message: 'e' },
          { reason: 'IdentityTokenOnly', message: 'i' },
        ],
      },
    },
    want: { ok: false, reason: 'IdentityTokenOnly', message: 'i' },
  },
  'what does no harm is told with a yes': {
    seen: {
      ok: {
        notes: [
          { reason: 'EntryEmpty', message: 'e' },
          { reason: 'EntryLeftOut', message: 'l' },
        ],
      },
    },
    want: { ok: true, reason: 'SecretUsable', message: 'e; l' },
  },
  'a pull secret without a flaw is a yes': {
    seen: { ok: { notes: [] } },
    want: { check: 'PullSecretValid', ok: true, message: /can be read/ },
  },
}
for (const [name, { seen, want }] of Object.entries(secrets)) {
  t.test(name, async (t) => {
    t.match(pullSecretValid('velero/pull', seen), want)
  })
}

// --- moved ---

const moved: Readonly<Record<string, { tag?: string; pinned?: string; want: object }>> = {
  'a digest cannot move': { pinned: 'sha256:b', want: { ok: true, reason: 'ByDigest' } },
  'a tag that is seen first has not moved': { tag: 'v1', want: { ok: true, reason: 'FirstSeen' } },
  'the same digest has not moved': {
    tag: 'v1',
    pinned: 'sha256:a',
    want: { ok: true, reason: 'TagUnmoved' },
  },
  'another digest has': {
    tag: 'v1',
    pinned: 'sha256:b',
    want: {
      ok: false,
      reason: 'TagMoved',
      message: /wanted a\/b:v1 to be sha256:b, as it was pinned, got sha256:a.* name it: a\/b:v1@sha256:a/,
    },
  },
}
for (const [name, { tag, pinned, want }] of Object.entries(moved)) {
  t.test(name, async (t) => {
    t.match(tagUnmoved({ name: 'a/b:v1', tag }, pinned, 'sha256:a'), { check: 'TagUnmoved', ...want })
  })
}

t.test('what to do next is said in words that are true in a pod and on a laptop', async (t) => {
  for (const [code, { next }] of Object.entries(registryCodes)) t.notMatch(next, /\bpod\b/u, code)
})
