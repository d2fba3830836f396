/** The one address of the webhooks: each connection goes to the next process that is ready, as a Service's would. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** Where the API server calls. */
export type Balancer = { readonly port: number; readonly stop: () => Promise<void> }

/** Starts one; `ports` are those that may be called at this moment. */
export async function startBalancer(ports: () => readonly number[]): Promise<Balancer> {
  const sockets = new Set<Socket>()
  const keep = (socket: Socket): Socket => {
    sockets.add(socket)
    return socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket))
  }
  let turn = 0
  const server = createServer((near) => {
    keep(near)
    const open = ports()
    const port = open[(turn += 1) % Math.max(1, open.length)]
    if (port === undefined) return void near.destroy()
    const far = keep(connect(port, '127.0.0.1'))
    near.pipe(far).pipe(near)
    near.on('close', () => far.destroy())
    far.on('close', () => near.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const stop = async () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    for (const socket of sockets) socket.destroy()
    await closed
  }
  return { port: (server.address() as AddressInfo).port, stop }
}
