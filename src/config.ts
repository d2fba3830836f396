/** Every knob, its default and its unit. Flags of `tidewaiter serve`; each also as TIDEWAITER_ + upper snake case. */

/** What a process of `serve` may do. */
export const roles = ['webhook', 'controller'] as const
/** One thing a process may do. */
export type Role = (typeof roles)[number]

/** A listening address. */
export type Listen = { readonly host: string; readonly port: number }

/** The configuration of `serve`: read once, frozen. */
export type Config = {
  readonly kubeconfig: string | undefined
  readonly veleroNamespaces: readonly string[]
  readonly veleroServiceAccounts: readonly string[]
  readonly roles: readonly Role[]
  readonly listen: Listen
  readonly metricsListen: Listen
  readonly dashboardListen: Listen
  readonly webhookUrl: string | undefined
  readonly clientCa: string | undefined
  readonly tls: 'self' | 'files'
  readonly tlsCert: string | undefined
  readonly tlsKey: string | undefined
  readonly tlsCa: string | undefined
  readonly egressAllow: readonly string[]
  readonly egressOnly: readonly string[]
  readonly drainSeconds: number
  readonly holdMaxSeconds: number
  readonly stuckAfterSeconds: number
  readonly logLevel: string
  /** Where we run: from POD_NAMESPACE and POD_NAME. */
  readonly namespace: string
  readonly podName: string
  readonly serviceName: string
}

/** One flag: its name, what it means, its default as text. */
export type Knob = {
  readonly flag: string
  readonly value: string
  readonly fallback: string
  readonly doc: string
  readonly list?: boolean
}

/** Every flag of `serve`, in the order of its help. */
export const knobs: readonly Knob[] = [
  {
    flag: 'kubeconfig',
    value: 'FILE',
    fallback: '',
    doc: 'How to reach the cluster; default: the service account of the pod, else $KUBECONFIG, else ~/.kube/config',
  },
  {
    flag: 'velero-namespace',
    value: 'NAME',
    fallback: 'velero',
    doc: 'A namespace in which a Velero runs (repeatable)',
    list: true,
  },
  {
    flag: 'velero-service-account',
    value: 'NAME',
    fallback: 'velero,velero-server',
    doc: "Velero's own service account in that namespace; it is never taken for a person (repeatable)",
    list: true,
  },
  {
    flag: 'roles',
    value: 'LIST',
    fallback: 'webhook,controller',
    doc: 'What this process does',
    list: true,
  },
  {
    flag: 'listen',
    value: 'ADDRESS',
    fallback: ':9443',
    doc: 'Where the API server reaches the webhooks (HTTPS)',
  },
  {
    flag: 'metrics-listen',
    value: 'ADDRESS',
    fallback: ':8080',
    doc: 'Where /metrics, /healthz and /readyz are served (HTTP)',
  },
  {
    flag: 'dashboard-listen',
    value: 'ADDRESS',
    fallback: '127.0.0.1:8081',
    doc: 'Where the dashboard is served (not there yet)',
  },
  {
    flag: 'webhook-url',
    value: 'URL',
    fallback: '',
    doc: 'Outside a cluster: register this URL as tidewaiter-dev-<id>, and take it away on a clean stop',
  },
  {
    flag: 'client-ca',
    value: 'FILE',
    fallback: '',
    doc: 'Certificates that callers of the webhooks must be signed by; default: anybody who knows the path',
  },
  {
    flag: 'tls',
    value: 'WAY',
    fallback: 'self',
    doc: 'Certificate of the webhooks: self (own CA, kept in a Secret) or files',
  },
  { flag: 'tls-cert', value: 'FILE', fallback: '', doc: 'With --tls files: the certificate chain, PEM' },
  { flag: 'tls-key', value: 'FILE', fallback: '', doc: 'With --tls files: its private key, PEM' },
  {
    flag: 'tls-ca',
    value: 'FILE',
    fallback: '',
    doc: 'With --tls files: the CA that the API server is told to trust, PEM; left out, the caBundle of the registrations is kept by others (cert-manager)',
  },
  {
    flag: 'egress-allow',
    value: 'HOST[:PORT]',
    fallback: '',
    doc: 'An address that actions may call although the rules refuse it: API server, nodes, loopback (repeatable)',
    list: true,
  },
  {
    flag: 'egress-only',
    value: 'HOST|*.DOMAIN|CIDR[:PORT]',
    fallback: '',
    doc: 'Actions may call nothing but these hosts, patterns and networks (repeatable)',
    list: true,
  },
  {
    flag: 'drain-seconds',
    value: 'N',
    fallback: '8',
    doc: 'On SIGTERM, how long requests are still taken while the cluster learns that this replica goes',
  },
  {
    flag: 'hold-max-seconds',
    value: 'N',
    fallback: '3600',
    doc: 'Longest a Backup or Restore may be held (not there yet)',
  },
  {
    flag: 'stuck-after-seconds',
    value: 'N',
    fallback: '86400',
    doc: 'After this, a Backup or Restore that started and has not ended counts as stuck',
  },
  { flag: 'log-level', value: 'LEVEL', fallback: 'info', doc: 'debug, info, warn or error' },
]

/** The environment variable of a flag. */
export const variableOf = (flag: string): string => `TIDEWAITER_${flag.toUpperCase().replaceAll('-', '_')}`

/** A flag that cannot be understood: what was wanted, what was got. */
export class ConfigError extends Error {
  readonly code = 'BAD_FLAG'
}

type Text = Readonly<Record<string, string | undefined>>

/** Reads the configuration: flags first, then the environment, then the defaults. Throws ConfigError. */
export function parseConfig(
  flags: Readonly<Record<string, string | readonly string[] | undefined>>,
  env: Text,
): Config {
  const text = (flag: string): string => {
    const given = flags[flag]
    const own = typeof given === 'string' ? given : given?.join(',')
    return own ?? env[variableOf(flag)] ?? knobs.find((knob) => knob.flag === flag)?.fallback ?? ''
  }
  const optional = (flag: string) => (text(flag) === '' ? undefined : text(flag))
  const list = (flag: string) =>
    text(flag)
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '')
  const whole = (flag: string, most: number) => wholeNumber(flag, text(flag), most)
  const config: Config = {
    kubeconfig: optional('kubeconfig'),
    veleroNamespaces: namespaces(list('velero-namespace')),
    veleroServiceAccounts: list('velero-service-account'),
    roles: rolesOf(list('roles')),
    listen: listenOf('listen', text('listen')),
    metricsListen: listenOf('metrics-listen', text('metrics-listen')),
    dashboardListen: listenOf('dashboard-listen', text('dashboard-listen')),
    webhookUrl: webhookUrl(optional('webhook-url')),
    clientCa: optional('client-ca'),
    tls: oneOf('tls', text('tls'), ['self', 'files']),
    tlsCert: optional('tls-cert'),
    tlsKey: optional('tls-key'),
    tlsCa: optional('tls-ca'),
    egressAllow: list('egress-allow'),
    egressOnly: list('egress-only'),
    drainSeconds: whole('drain-seconds', 60),
    holdMaxSeconds: whole('hold-max-seconds', 86_400),
    stuckAfterSeconds: whole('stuck-after-seconds', 30 * 86_400),
    logLevel: oneOf('log-level', text('log-level'), ['debug', 'info', 'warn', 'error']),
    namespace: env['POD_NAMESPACE'] ?? 'tidewaiter',
    podName: env['POD_NAME'] ?? '',
    serviceName: env['TIDEWAITER_SERVICE'] ?? 'tidewaiter',
  }
  if (config.tls === 'files' && [config.tlsCert, config.tlsKey].includes(undefined)) {
    throw new ConfigError('--tls files needs --tls-cert and --tls-key')
  }
  return Object.freeze(config)
}

const wrong = (flag: string, want: string, got: string) =>
  new ConfigError(`--${flag} must ${want}, got "${got}"`)

function wholeNumber(flag: string, text: string, most: number): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value > most)
    throw wrong(flag, `be a whole number of seconds from 0 to ${most}`, text)
  return value
}

function oneOf<T extends string>(flag: string, text: string, wanted: readonly T[]): T {
  const found = wanted.find((one) => one === text)
  if (found === undefined) throw wrong(flag, `be one of ${wanted.join(', ')}`, text)
  return found
}

function rolesOf(names: readonly string[]): readonly Role[] {
  if (names.length === 0) throw new ConfigError(`--roles must name at least one of ${roles.join(', ')}`)
  return [...new Set(names.map((name) => oneOf('roles', name, roles)))]
}

function namespaces(names: readonly string[]): readonly string[] {
  const bad = names.find((name) => !/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name))
  if (bad !== undefined) throw wrong('velero-namespace', 'be the name of a namespace', bad)
  if (names.length === 0) throw new ConfigError('--velero-namespace must name at least one namespace')
  return [...new Set(names)]
}

function listenOf(flag: string, text: string): Listen {
  const [, host = '', digits = ''] = /^(\[[0-9a-fA-F:.]+\]|[^:]*):(\d{1,5})$/.exec(text) ?? []
  const port = Number(digits)
  if (digits === '' || port > 65_535) throw wrong(flag, 'be [HOST]:PORT', text)
  return { host: host.replace(/^\[|\]$/g, ''), port }
}

function webhookUrl(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const url = URL.parse(text)
  const { protocol, username, password, pathname, search, hash } = url ?? {}
  const more = [username, password, search, hash].some((part) => part !== '')
  if (url === null || protocol !== 'https:' || pathname !== '/' || more) {
    throw wrong('webhook-url', 'be https://HOST[:PORT] without user, path and query', text)
  }
  return `https://${url.host}`
}
