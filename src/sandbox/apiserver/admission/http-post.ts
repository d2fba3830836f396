/** One POST to a webhook, with a deadline that closes the connection; errors in the words of Go's HTTP client. */
import { request as httpsRequest, type Agent } from 'node:https'

/** Where and how to post. */
export type Post = {
  readonly url: URL
  readonly servername: string
  /** What the socket connects to; differs from the URL for Services. */
  readonly connectTo: URL
  readonly agent: Agent
  readonly body: string
  readonly signal: AbortSignal
}
/** What came back. */
export type Posted = { readonly code: number; readonly retryAfter: string; readonly body: string }

// apiserver pkg/util/webhook: the client reads at most this much of an answer.
const largestAnswer = 3 * 1024 * 1024

/** Posts JSON; rejects with Go's words for what went wrong. */
export function post({ connectTo, url, servername, agent, body, signal }: Post): Promise<Posted> {
  return new Promise((resolve, reject) => {
    const outgoing = httpsRequest(
      {
        host: connectTo.hostname.replace(/^\[(.*)\]$/, '$1'),
        port: connectTo.port === '' ? 443 : connectTo.port,
        path: `${url.pathname}${url.search}`,
        method: 'POST',
        agent,
        servername: /^[\d.]+$|:/.test(servername) ? '' : servername,
        headers: {
          host: url.host,
          'content-type': 'application/json',
          accept: 'application/json, */*',
          'user-agent': 'kube-apiserver-admission',
          'content-length': Buffer.byteLength(body),
        },
        signal,
      },
      (incoming) => {
        const chunks: Buffer[] = []
        let size = 0
        incoming.on('data', (chunk: Buffer) => {
          size += chunk.length
          if (size > largestAnswer) outgoing.destroy(new Error('the answer is larger than 3 MiB'))
          else chunks.push(chunk)
        })
        incoming.on('error', reject)
        incoming.on('end', () =>
          resolve({
            code: incoming.statusCode ?? 0,
            retryAfter: incoming.headers['retry-after'] ?? '',
            body: Buffer.concat(chunks).toString('utf8'),
          }),
        )
      },
    )
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

const unknownAuthority = 'tls: failed to verify certificate: x509: certificate signed by unknown authority'
const certificateErrors: Readonly<Record<string, string>> = {
  SELF_SIGNED_CERT_IN_CHAIN: unknownAuthority,
  DEPTH_ZERO_SELF_SIGNED_CERT: unknownAuthority,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT: unknownAuthority,
  CERT_SIGNATURE_FAILURE: unknownAuthority,
  CERT_HAS_EXPIRED: 'tls: failed to verify certificate: x509: certificate has expired or is not yet valid',
  CERT_NOT_YET_VALID: 'tls: failed to verify certificate: x509: certificate has expired or is not yet valid',
}

/** What Go's client would say of an error. */
export function goWords(
  error: unknown,
  { connectTo, servername }: Pick<Post, 'connectTo' | 'servername'>,
): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const address = `${connectTo.hostname}:${connectTo.port === '' ? '443' : connectTo.port}`
  const words: Readonly<Record<string, string>> = {
    ...certificateErrors,
    ABORT_ERR: 'context deadline exceeded',
    ECONNREFUSED: `dial tcp ${address}: connect: connection refused`,
    ECONNRESET: 'EOF',
    EPIPE: 'EOF',
    ENOTFOUND: `dial tcp: lookup ${connectTo.hostname}: no such host`,
    ERR_TLS_CERT_ALTNAME_INVALID: `tls: failed to verify certificate: x509: certificate is not valid for any names, but wanted to match ${servername}`,
  }
  return words[code] ?? (error instanceof Error ? error.message : String(error))
}
