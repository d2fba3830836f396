/** A webhook over real TLS, with the sandbox's own kind of certificate. */
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Loose } from './client.ts'
import { makeIdentity } from '../../../src/sandbox/apiserver/tls/certificate.ts'

export type Heard = { readonly path: string; readonly request: Loose; readonly closed: Promise<void> }
export type Hook = { readonly url: string; readonly caBundle: string; readonly heard: Heard[] }

/** Starts a webhook that answers each request as told; `undefined` never answers. */
export async function aHook(
  t: { readonly teardown: (work: () => unknown) => void },
  answer: (request: Loose) => Record<string, unknown> | undefined,
  names: readonly string[] = ['127.0.0.1'],
): Promise<Hook> {
  const identity = makeIdentity(names, Date.now())
  const heard: Heard[] = []
  const server = createServer({ key: identity.key, cert: identity.cert }, (incoming, response) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('end', () => {
      const { request } = JSON.parse(Buffer.concat(chunks).toString('utf8'))
      const closed = new Promise<void>((resolve) => response.once('close', resolve))
      heard.push({ path: incoming.url ?? '', request, closed })
      const given = answer(request)
      if (given === undefined) return
      const { httpCode = 200, retryAfter, ...rest } = given
      response.writeHead(Number(httpCode), {
        'content-type': 'application/json',
        ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
      })
      response.end(
        JSON.stringify({
          apiVersion: 'admission.k8s.io/v1',
          kind: 'AdmissionReview',
          response: { uid: request.uid, ...rest },
        }),
      )
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  const { port } = server.address() as AddressInfo
  return { url: `https://127.0.0.1:${port}`, caBundle: Buffer.from(identity.ca).toString('base64'), heard }
}

/** A webhook configuration for ConfigMaps. */
export function aConfiguration(
  kind: 'Mutating' | 'Validating',
  hook: Hook,
  more: Record<string, unknown> = {},
): Loose {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: `${kind}WebhookConfiguration`,
    metadata: { name: `${kind.toLowerCase()}-hooks` },
    webhooks: [
      {
        name: 'one.hooks.example',
        clientConfig: { url: `${hook.url}/judge`, caBundle: hook.caBundle },
        rules: [
          {
            apiGroups: [''],
            apiVersions: ['v1'],
            resources: ['configmaps'],
            operations: ['CREATE', 'UPDATE'],
          },
        ],
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
        timeoutSeconds: 5,
        ...more,
      },
    ],
  }
}

/** A JSON patch as a mutating webhook answers it. */
export function patching(...operations: unknown[]): Record<string, unknown> {
  return {
    allowed: true,
    patchType: 'JSONPatch',
    patch: Buffer.from(JSON.stringify(operations)).toString('base64'),
  }
}
