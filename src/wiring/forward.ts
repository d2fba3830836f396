/** A port of this machine that leads into a pod, through the API server. */
import { createServer, type Socket } from 'node:net'
import { StartError } from '../start-error.ts'
import { listening } from './listening.ts'

/** Where a connection goes. */
export type Target = { readonly namespace: string; readonly pod: string; readonly port: number }

/** Carries one connection into a pod; rejects if that cannot be. */
export type Forwarder = (target: Target, socket: Socket) => Promise<void>

/** As much of the WebSocket under a forwarded connection as is needed. */
type Web = {
  readonly addEventListener: (type: 'close', listener: () => void) => void
  readonly close: () => void
}

/** A forwarder by @kubernetes/client-node, which is loaded only for this. Throws StartError. */
export async function forwarderTo({
  kubeconfig,
  context,
}: {
  readonly kubeconfig: string | undefined
  readonly context: string | undefined
}): Promise<Forwarder> {
  const { KubeConfig, PortForward } = await import('@kubernetes/client-node')
  const config = new KubeConfig()
  try {
    if (kubeconfig === undefined) config.loadFromDefault()
    else config.loadFromFile(kubeconfig)
  } catch (cause) {
    throw new StartError(4, `the kubeconfig must be readable, got: ${String(cause)}`, { cause })
  }
  if (context !== undefined) config.setCurrentContext(context)
  const forward = new PortForward(config)
  return async ({ namespace, pod, port }, socket) => {
    const opened: unknown = await forward.portForward(namespace, pod, [port], socket, null, socket)
    const web = (typeof opened === 'function' ? (opened as () => unknown)() : opened) as Web | null
    // One end gone, the other is not needed.
    web?.addEventListener('close', () => socket.destroy())
    socket.on('close', () => web?.close())
  }
}

/** What a port leads to, and until when. */
export type Forwarding = {
  readonly target: Target
  readonly forward: Forwarder
  readonly signal: AbortSignal
  /** Told of each connection that failed. */
  readonly failed: (message: string) => void
}

/** Listens on the loopback alone until the signal aborts; resolves with the port. Throws StartError. */
export async function serveForward(
  port: number,
  { target, forward, signal, failed }: Forwarding,
): Promise<number> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => socket.destroy())
    forward(target, socket).catch((error: unknown) => {
      failed(messageOf(error))
      socket.destroy()
    })
  })
  signal.addEventListener('abort', () => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  const at = { host: '127.0.0.1', port }
  await listening(
    '--port',
    at,
    () =>
      new Promise<void>((resolve, reject) => {
        server.once('error', reject)
        server.listen(at, resolve)
      }),
  )
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : port
}

/** client-node rejects with what its WebSocket gives: an event with a message. */
function messageOf(error: unknown): string {
  if (error instanceof Error) return error.message
  const message =
    typeof error === 'object' && error !== null && 'message' in error ? error.message : undefined
  return typeof message === 'string' ? message : String(error)
}
