/** The connections of the webhook server, bounded: who fills it with silence makes room for who asks. */
import type { Server } from 'node:https'
import type { Socket } from 'node:net'

/** What is known of the open connections. */
export type Connections = {
  /** A request came on this connection: it is not closed until `answered`. */
  readonly asking: (socket: Socket) => void
  /** `valid`: it knew the path, so it is the API server. */
  readonly answered: (socket: Socket, valid: boolean) => void
  /** Closes all on which nothing is being answered. */
  readonly closeQuiet: () => void
  readonly closeAll: () => void
  readonly isAsking: (socket: Socket) => boolean
  readonly count: () => number
}

type Connection = { readonly socket: Socket; busy: number; valid: boolean }

/** Watches a server's connections; above `most` the oldest quiet one goes, first among those that never asked rightly. */
export function watchConnections(server: Server, most: number): Connections {
  // In the order of arrival. The TLS socket of a request and the raw one that was counted have only their address in common.
  const open = new Map<string, Connection>()
  const byTls = new WeakMap<Socket, Connection>()
  const of = (socket: Socket): Connection | undefined => {
    const known = byTls.get(socket)
    if (known !== undefined) return known
    const found = open.get(keyOf(socket))
    if (found !== undefined) byTls.set(socket, found)
    return found
  }
  const close = (socket: Socket | undefined) => {
    if (socket === undefined) return
    open.delete(keyOf(socket))
    socket.destroy()
  }
  server.on('connection', (socket: Socket) => {
    const key = keyOf(socket)
    open.set(key, { socket, busy: 0, valid: false })
    socket.once('close', () => open.get(key)?.socket === socket && open.delete(key))
    // Out of the books at once: a socket that was destroyed emits `close` later, and in between another must go.
    if (open.size > most) close(leastOf(open))
  })
  return {
    asking: (socket) => {
      const connection = of(socket)
      if (connection) connection.busy += 1
    },
    answered: (socket, valid) => {
      const connection = of(socket)
      if (!connection) return
      connection.busy -= 1
      connection.valid ||= valid
    },
    closeQuiet: () => {
      for (const { socket, busy } of open.values()) if (busy === 0) close(socket)
    },
    closeAll: () => {
      for (const { socket } of open.values()) close(socket)
    },
    isAsking: (socket) => (of(socket)?.busy ?? 0) > 0,
    count: () => open.size,
  }
}

const keyOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`

/** The connection that is missed least: a quiet one, or else the newest. */
function leastOf(open: ReadonlyMap<string, Connection>): Socket | undefined {
  const all = [...open.values()]
  const newest = all.pop()
  const quiet = all.filter(({ busy }) => busy === 0)
  return (quiet.find(({ valid }) => !valid) ?? quiet[0] ?? newest)?.socket
}
