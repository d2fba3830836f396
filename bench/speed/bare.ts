/**
 * What every figure is a ratio of: a bare node:https server that decides as the webhooks of tidewaiter do where nothing is to be run,
 * and does nothing else: no metrics, no log, no limits, no deadlines. usage: node bench/speed/bare.ts CERT KEY [ACTION-URL]
 */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { bareListener } from './bare-answer.ts'

const [cert = '', key = '', action = ''] = process.argv.slice(2)
const server = createServer(
  {
    cert: readFileSync(cert),
    key: readFileSync(key),
    ALPNProtocols: ['http/1.1'],
    keepAliveTimeout: 95_000,
  },
  bareListener(action),
)
server.listen(0, '127.0.0.1', () =>
  console.log(`listens on 127.0.0.1:${(server.address() as AddressInfo).port}`),
)
