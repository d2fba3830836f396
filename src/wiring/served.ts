/** Which certificates the webhook shows: seen by calling it a few times, as API servers do, which needs no right. */
import { isIP } from 'node:net'
import { connect } from 'node:tls'
import { agoMs, momentOf, type Clock, type Moment } from '../clock.ts'
import type { ServedCertificate, Served } from '../dashboard/ports.ts'
import type { Install } from './install.ts'

// A Service spreads connections over its replicas: of three that are ready all are met by eight with 88 % (1 - 3 * (2/3)^8).
const connections = 8
const patienceMs = 1_000
const keptMs = 30_000

/** Looks, and keeps what was seen for half a minute. */
export function servedBy({ clientConfig }: Install, clock: Clock): () => Promise<Served> {
  const where = addressOf(clientConfig)
  let last: { readonly at: Moment; readonly served: Promise<Served> } | undefined
  return () => {
    if (last === undefined || agoMs(clock, last.at) > keptMs)
      last = { at: momentOf(clock), served: look(where, clock) }
    return last.served
  }
}

type Address = { readonly host: string; readonly port: number }

function addressOf(config: Install['clientConfig']): Address {
  if ('service' in config)
    return { host: `${config.service.name}.${config.service.namespace}.svc`, port: 443 }
  const { hostname, port } = new URL(config.url)
  return { host: hostname.replaceAll(/[[\]]/g, ''), port: Number(port || 443) }
}

async function look(where: Address, clock: Clock): Promise<Served> {
  const seen = await Promise.all(Array.from({ length: connections }, () => shown(where, clock)))
  const found = seen.filter((one) => typeof one !== 'string')
  const prints = Map.groupBy(found, ({ fingerprint }) => fingerprint)
  const trouble = seen.find((one) => typeof one === 'string')
  return {
    certificates: [...prints.values()].flatMap(([one, ...more]) =>
      one === undefined ? [] : [{ ...one, connections: 1 + more.length }],
    ),
    connections,
    ...(trouble === undefined ? {} : { trouble }),
  }
}

type Shown = Omit<ServedCertificate, 'connections'>

/** What one connection shows, or why it shows nothing. It is not believed: it is compared. */
function shown({ host, port }: Address, clock: Clock): Promise<Shown | string> {
  const { promise, resolve } = Promise.withResolvers<Shown | string>()
  const deadline = clock.abortAfter(patienceMs)
  const socket = connect({
    host,
    port,
    rejectUnauthorized: false,
    ...(isIP(host) === 0 ? { servername: host } : {}),
  })
  const end = (answer: Shown | string) => {
    deadline.release()
    socket.destroy()
    resolve(answer)
  }
  deadline.signal.addEventListener('abort', () => end(`no answer within ${patienceMs / 1000} s`), {
    once: true,
  })
  socket.once('error', (error: Error) => end(error.message))
  socket.once('secureConnect', () => {
    const certificate = socket.getPeerX509Certificate()
    end(
      certificate === undefined
        ? 'no certificate'
        : { fingerprint: certificate.fingerprint256, until: certificate.validToDate.getTime() },
    )
  })
  return promise
}
