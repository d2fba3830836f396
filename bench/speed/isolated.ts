/**
 * Where measurements run: in a network namespace of their own with the congestion control reno. The default on many machines, bbr,
 * paces even loopback, which shows as 80 to 100 ms at p99.
 */
import { spawnSync } from 'node:child_process'
import { cores } from './world.ts'

const inside = [
  'ip link set lo up',
  'echo reno > /proc/sys/net/ipv4/tcp_congestion_control',
  'exec "$@"',
].join(' && ')

const unshare = ['unshare', '--user', '--map-root-user', '--net', 'sh', '-c', inside, 'sh'] as const

/** Whether this machine can give one (Linux, user namespaces allowed, iproute2), and has two processors to pin to. */
export function canIsolate(): boolean {
  const [command, ...args] = [...unshare, 'taskset', '-c', String(cores.client), 'true']
  return spawnSync(command, args).status === 0
}

/** Runs Node with these arguments in a namespace of its own, beside the clients and not beside the servers; whether it ended well. */
export function runIsolated(args: readonly string[]): boolean {
  const [command, ...rest] = [...unshare, 'taskset', '-c', String(cores.client), process.execPath, ...args]
  return spawnSync(command, rest, { stdio: 'inherit' }).status === 0
}
