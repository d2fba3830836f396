/**
 * A registry on 127.0.0.1, over real HTTP or HTTPS, that keeps images in memory, asks for a password or a token if told,
 * and notes every request. Hostile ones answer by themselves.
 */
import { createHash } from 'node:crypto'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { certificate, serve } from '../net/servers.ts'

/** What `t` gives us to clean up. */
type Teardown = Parameters<typeof serve>[0]

/** One request as it arrived. */
export type Seen = {
  readonly host: string
  readonly method: string
  readonly path: string
  readonly authorization: string | undefined
  readonly accept: string | undefined
  body: string
}

/** How to be let in: `user:password`. */
export type Door = { readonly kind: 'basic' | 'token'; readonly users: readonly string[] }

type Content = { readonly bytes: Buffer; readonly type: string }

const authority = certificate({ name: 'the authority', ca: true })
const names = [
  'registry.test',
  'mirror.test',
  'storage.test',
  'token.test',
  'other.test',
  'localhost',
  '127.0.0.1',
]
const leaves = new Map(names.map((name) => [name, certificate({ name, by: authority })]))
/** The PEM of the authority of every fake registry. */
export const fakeCa = authority.cert

/** The media types of OCI. */
export const types = {
  image: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
}

/** The digest of bytes. */
export const sha256 = (bytes: string | Uint8Array): string =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`

/** A registry under a name; see `serveRegistry`. */
export class FakeRegistry {
  readonly name: string
  port = 0
  readonly seen: Seen[] = []
  /** Asked before everything else: true if it answered. */
  intercept: (request: IncomingMessage, response: ServerResponse, seen: Seen) => boolean = () => false
  door: Door | undefined
  /** Seconds that a token says it lasts. */
  expiresIn: number | undefined = 300
  /** Where a challenge says that tokens are; its own `/token` unless set. */
  realm: string | undefined
  readonly #tokens = new Set<string>()
  readonly #content = new Map<string, Content>()
  readonly #secure: boolean

  constructor(name: string, secure: boolean) {
    this.name = name
    this.#secure = secure
  }

  /** `registry.test:1234`. */
  get host(): string {
    return `${this.name}:${this.port}`
  }

  /** `https://registry.test:1234`. */
  get origin(): string {
    return `${this.#secure ? 'https' : 'http'}://${this.host}`
  }

  /** The paths that were asked for, in order. */
  get paths(): readonly string[] {
    return this.seen.map(({ path }) => path)
  }

  /** Puts content at a path after `/v2/`; gives its digest. */
  put(path: string, content: object | string | Buffer, type = 'application/octet-stream'): string {
    const bytes = Buffer.isBuffer(content)
      ? content
      : Buffer.from(typeof content === 'string' ? content : JSON.stringify(content))
    this.#content.set(path, { bytes, type })
    return sha256(bytes)
  }

  /** Pushes an image; gives the digest of its manifest. */
  push(repository: string, tag: string, config: object = anImageConfig()): string {
    const bytes = Buffer.from(JSON.stringify(config))
    const blob = this.put(`${repository}/blobs/${sha256(bytes)}`, bytes)
    const manifest = aManifest({ mediaType: types.config, digest: blob, size: bytes.byteLength })
    return this.tag(repository, tag, { content: manifest, type: types.image })
  }

  /** Puts a manifest under its tag and its digest. */
  tag(
    repository: string,
    tag: string,
    given: { readonly content: object | string; readonly type: string },
  ): string {
    const digest = this.put(`${repository}/manifests/${tag}`, given.content, given.type)
    this.put(`${repository}/manifests/${digest}`, given.content, given.type)
    return digest
  }

  /** No token that was given counts any more. */
  revoke(): void {
    this.#tokens.clear()
  }

  readonly answer: RequestListener = (request, response) => {
    const { method = '', url = '', headers } = request
    const { host = '', authorization, accept } = headers
    const seen: Seen = { host, method, path: url, authorization, accept, body: '' }
    this.seen.push(seen)
    request.on('data', (chunk) => (seen.body += String(chunk)))
    request.on('end', () => {
      if (!this.intercept(request, response, seen)) this.#answer(seen, response)
    })
  }

  #answer(seen: Seen, response: ServerResponse): void {
    const { pathname } = new URL(seen.path, this.origin)
    if (pathname === '/token') return this.#token(seen, response)
    if (!this.#admits(seen)) return this.#challenge(pathname, response)
    if (pathname === '/v2/') return void response.end('{}')
    const found = this.#content.get(pathname.replace('/v2/', ''))
    if (found === undefined)
      return says(response, 404, { code: 'MANIFEST_UNKNOWN', message: 'manifest unknown' })
    response.writeHead(200, {
      'content-type': found.type,
      'docker-content-digest': sha256(found.bytes),
      'content-length': found.bytes.byteLength,
    })
    response.end(seen.method === 'HEAD' ? undefined : found.bytes)
  }

  #admits({ authorization = '' }: Seen): boolean {
    if (this.door === undefined) return true
    const [scheme = '', value = ''] = authorization.split(' ')
    if (this.door.kind === 'token') return scheme === 'Bearer' && this.#tokens.has(value)
    return scheme === 'Basic' && this.#knows(value)
  }

  #knows(basic: string): boolean {
    return this.door?.users.includes(Buffer.from(basic, 'base64').toString()) === true
  }

  #challenge(path: string, response: ServerResponse): void {
    const [, repository] = /^\/v2\/(.+)\/(?:manifests|blobs|referrers)\//.exec(path) ?? []
    const scope = repository === undefined ? '' : `,scope="repository:${repository}:pull"`
    const realm = this.realm ?? `${this.origin}/token`
    const bearer = `Bearer realm="${realm}",service="fake, with a comma"${scope}`
    response.setHeader('www-authenticate', this.door?.kind === 'token' ? bearer : 'Basic realm="fake"')
    says(response, 401, { code: 'UNAUTHORIZED', message: 'authentication required' })
  }

  #token(seen: Seen, response: ServerResponse): void {
    const basic = /^Basic (.*)$/.exec(seen.authorization ?? '')?.[1]
    const refresh = new URLSearchParams(seen.body).get('refresh_token')
    const known = basic === undefined ? this.door?.users.includes(refresh ?? '') === true : this.#knows(basic)
    if (!known)
      return says(response, 401, { code: 'UNAUTHORIZED', message: 'incorrect username or password' })
    const token = `token-${this.#tokens.size + this.seen.length}`
    this.#tokens.add(token)
    response.setHeader('content-type', 'application/json')
    response.end(
      JSON.stringify({ token, ...(this.expiresIn === undefined ? {} : { expires_in: this.expiresIn }) }),
    )
  }
}

/** Starts one under a name of `names`; it ends with the test. */
export async function serveRegistry(
  t: Teardown,
  name = 'registry.test',
  secure = true,
): Promise<FakeRegistry> {
  const registry = new FakeRegistry(name, secure)
  registry.port = await serve(t, registry.answer, secure ? leaves.get(name) : undefined)
  return registry
}

/** An error in the form of the distribution specification. */
export function says(response: ServerResponse, status: number, error: object): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ errors: [error] }))
}

/** The config of an image as a plugin has it. */
export const anImageConfig = (given: object = {}): object => ({
  architecture: 'amd64',
  os: 'linux',
  config: { Entrypoint: ['cp', '/plugins/p', '/target/.'] },
  rootfs: { type: 'layers', diff_ids: [] },
  ...given,
})

/** A manifest with this config. */
export const aManifest = (config: object, given: object = {}): object => ({
  schemaVersion: 2,
  mediaType: types.image,
  config,
  layers: [{ mediaType: types.layer, digest: sha256('a layer'), size: 7 }],
  ...given,
})
