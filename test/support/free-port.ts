/** Ports for servers that are named before they listen. */
import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/** Whether nobody listens on a port of this machine. */
export const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer().once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })

// Below those that Linux gives to whoever calls out or takes any (net.ipv4.ip_local_port_range, from 32768): else another process,
// or a connection of this one, may have it before it is listened on.
const [firstPort, ports] = [20_000, 12_000]

// Whoever was given one takes a moment until it listens: nobody else of this process is given it meanwhile.
const given: number[] = []
const remembered = 1_000

/** A port that nobody listens on, and that nobody is given who did not name it. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const port = firstPort + randomInt(ports)
    if (given.includes(port)) continue
    given.push(port)
    if (given.length > remembered) given.shift()
    if (await isFree(port)) return port
  }
  throw new Error(`no port from ${firstPort} on is free`)
}
