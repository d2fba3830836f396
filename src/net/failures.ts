/** What went wrong on the network, in words and sorted by what it means for the caller. */
import type { Failed } from './ports.ts'
import type { NoTunnel } from './tunnel.ts'

/** How a call failed, without whether anything was sent. */
export type Failure = Pick<Failed, 'failed' | 'about' | 'cause' | 'message'>

// openssl's verify errors and Node's own: the server is not who it should be, and will not be in a second either.
const certificate: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'has expired. Renew it',
  CERT_NOT_YET_VALID: 'is not valid yet. Check its dates and the clocks',
  CERT_REVOKED: 'is revoked. Renew it',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'is self-signed. Give it, or the authority that signs it, as caBundle',
  SELF_SIGNED_CERT_IN_CHAIN: 'is signed by an unknown authority. Give that as caBundle',
  UNABLE_TO_GET_ISSUER_CERT: 'is signed by an unknown authority. Give that as caBundle',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'is signed by an unknown authority. Give that as caBundle',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'is signed by an unknown authority. Give that as caBundle',
  CERT_SIGNATURE_FAILURE: 'is not signed by the authority in caBundle',
  INVALID_PURPOSE: 'is not for servers',
  INVALID_CA: 'is signed by what is no authority',
}

const connection: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection was reset',
  EPIPE: 'the connection was closed',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  EADDRNOTAVAIL: 'no address of this machine can reach it',
  ETIMEDOUT: 'the connection timed out',
  UND_ERR_SOCKET: 'the connection was closed before the answer was complete',
}

const lookups: Readonly<Record<string, string>> = {
  ENOTFOUND: 'the name does not exist',
  EAI_AGAIN: 'the name server did not answer',
}

/** Sorts an error of the resolver. */
export const lookupFailure = (host: string, error: unknown): Failure => ({
  failed: 'network',
  message: `could not look up ${host}: ${lookups[codeOf(error)] ?? wordsOf(error)}`,
})

/** Sorts an error of connecting, TLS included. */
export function connectFailure(
  target: { readonly host: string; readonly where: string },
  error: unknown,
): Failure {
  const code = codeOf(error)
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const message = `the certificate of ${target.where} is not for ${target.host}: ${wordsOf(error)}`
    return { failed: 'answer', about: 'tls', cause: message, message }
  }
  const wrong = certificate[code]
  if (wrong !== undefined) {
    const message = `the certificate of ${target.where} ${wrong}`
    return { failed: 'answer', about: 'tls', cause: message.replace(/\. [A-Z].*$/, ''), message }
  }
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG') {
    const cause = `${target.where} does not speak TLS`
    return { failed: 'answer', about: 'tls', cause, message: `${cause}. Use http://, or its TLS port` }
  }
  return {
    failed: 'network',
    message: `could not connect to ${target.where}: ${connection[code] ?? wordsOf(error)}`,
  }
}

/** Sorts what a proxy answered instead of a tunnel: that it could not reach the server may pass, its own no will not. */
export function tunnelFailure(where: string, { status }: NoTunnel): Failure {
  if (status === undefined) {
    return { failed: 'answer', message: `the proxy for ${where} did not answer as an HTTP/1.1 proxy does` }
  }
  const message = `the proxy for ${where} answered CONNECT with ${status}`
  if (status === 407) {
    return {
      failed: 'answer',
      message: `${message}. Give --egress-proxy the user and password that it wants`,
    }
  }
  return status >= 500
    ? { failed: 'network', message: `${message}: it could not reach it` }
    : { failed: 'answer', message: `${message}. Let it through there, or take it out of --egress-proxy-for` }
}

/** Sorts an error of the exchange on an open connection. */
export function exchangeFailure(where: string, error: unknown): Failure {
  const code = codeOf(error)
  if (code === 'UND_ERR_HEADERS_OVERFLOW' || code === 'HPE_HEADER_OVERFLOW') {
    return { failed: 'answer', message: `${where} answered with more than 16 KiB of headers` }
  }
  if (error instanceof Error && error.name === 'HTTPParserError') {
    return {
      failed: 'answer',
      message: `${where} answered with something that is not HTTP/1.1: ${wordsOf(error)}`,
    }
  }
  if (code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH') {
    return { failed: 'answer', message: `${where} answered with a body that is not as long as it said` }
  }
  return { failed: 'network', message: `lost ${where}: ${connection[code] ?? wordsOf(error)}` }
}

/** Whether an error of the client says that we asked for something impossible: a bug of ours, not the server's. */
export const isMisuse = (error: unknown): boolean =>
  error instanceof TypeError || ['UND_ERR_INVALID_ARG', 'UND_ERR_NOT_SUPPORTED'].includes(codeOf(error))

function codeOf(error: unknown): string {
  if (!(error instanceof Error) || !('code' in error)) return ''
  return typeof error.code === 'string' ? error.code : ''
}

const wordsOf = (error: unknown): string => {
  const text = error instanceof Error ? error.message : String(error)
  return text.replaceAll(/\s+/g, ' ').slice(0, 200)
}
