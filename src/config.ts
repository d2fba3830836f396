/** The configuration of `serve`, read from its flags and the environment. */
import {
  hostNames,
  isLoopback,
  listenOf,
  namespaces,
  objectNames,
  oneOf,
  origin,
  proxyAddress,
  proxyDomain,
  rolesOf,
  wholeBetween,
  wholeNumber,
  type Listen,
  type ProxyAddress,
  type Read,
  type Role,
} from './config-values.ts'
import { featureStages, gateState } from './core/feature-gate.ts'
import { knobs, variableOf } from './knobs.ts'

/** The configuration of `serve`: read once, frozen. */
export type Config = {
  readonly kubeconfig: string | undefined
  readonly veleroNamespaces: readonly string[]
  readonly veleroServiceAccounts: readonly string[]
  readonly roles: readonly Role[]
  readonly listen: Listen
  readonly metricsListen: Listen
  readonly dashboardListen: Listen
  /** Names by which browsers reach the dashboard, beside localhost. */
  readonly dashboardHosts: readonly string[]
  readonly dashboardSignIn: 'token' | 'none'
  /** Undefined: a file that ends with the process. */
  readonly historyFile: string | undefined
  readonly historyDays: number
  readonly historyMib: number
  readonly runsDays: number
  readonly runsPerAction: number
  readonly webhookUrl: string | undefined
  readonly clientCa: string | undefined
  readonly tls: 'self' | 'files'
  readonly tlsCert: string | undefined
  readonly tlsKey: string | undefined
  readonly tlsCa: string | undefined
  readonly egressAllow: readonly string[]
  readonly egressOnly: readonly string[]
  readonly egressProxy: ProxyAddress | undefined
  readonly egressProxyFor: readonly string[]
  /** The file with the settings of registries. */
  readonly registries: string | undefined
  readonly pluginsConfigMaps: readonly string[]
  /** The name of an Installation, or `newest`. */
  readonly pluginsInstallation: string | undefined
  /** What stands for the proxy of Embedded Cluster in images. */
  readonly proxyDomain: string | undefined
  /** Files with the public keys of other clusters. */
  readonly trustedKeys: readonly string[]
  readonly certificateOverlapSeconds: number
  readonly drainSeconds: number
  readonly holdMaxSeconds: number
  readonly stuckAfterSeconds: number
  readonly logLevel: string
  /** Whether plugins are injected: the gate VELERO_PLUGINS_ENABLED. */
  readonly veleroPlugins: boolean
  /** Where we run: from POD_NAMESPACE and POD_NAME. */
  readonly namespace: string
  readonly podName: string
  readonly serviceName: string
}

/** The name of our Service, where it is not `tidewaiter`. */
const serviceVariable = 'TIDEWAITER_SERVICE'

/** Every environment variable of ours that is read. */
export const knownVariables: readonly string[] = [
  ...knobs.map(({ flag }) => variableOf(flag)),
  serviceVariable,
]

/** Settings that cannot be understood: of each what was wanted and what was got. All of them, so that one round mends all. */
export class ConfigError extends Error {
  readonly code = 'BAD_FLAG'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.problems = problems
  }
}

type Text = Readonly<Record<string, string | undefined>>
/** Flags as the command line gives them. */
export type Flags = Readonly<Record<string, string | readonly string[] | undefined>>

const nowhere: Listen = { host: '', port: 0 }
const logLevels = ['debug', 'info', 'warn', 'error'] as const

/**
 * Reads the configuration: flags first, then the environment, then the defaults. Throws ConfigError. `check` finds what
 * is wrong beyond the settings themselves, so that it is told with the rest.
 */
export function parseConfig(
  flags: Flags,
  env: Text,
  check: (config: Config) => readonly string[] = () => [],
): Config {
  const problems: string[] = []
  const { text, optional, list } = settingsOf(flags, env)
  /** What a setting says; `blank` stands in for what cannot be understood, and is never used. */
  const read = <T>(flag: string, value: Read<T>, blank: T): T => {
    if ('ok' in value) return value.ok
    const from = flags[flag] === undefined && env[variableOf(flag)] !== undefined
    problems.push(`--${flag} must ${value.want}${from ? ` (from ${variableOf(flag)})` : ''}`)
    return blank
  }
  const seconds = (flag: string, most: number) => read(flag, wholeNumber(text(flag), most), 0)
  const listen = (flag: string) => read(flag, listenOf(text(flag)), nowhere)
  const gate = (variable: keyof typeof featureStages): boolean => {
    const state = gateState(featureStages[variable], env[variable])
    if ('isOn' in state) return state.isOn
    problems.push(`${variable} must ${state.want}, got "${env[variable] ?? ''}"`)
    return false
  }
  const config: Config = {
    kubeconfig: optional('kubeconfig'),
    veleroNamespaces: read('velero-namespace', namespaces(list('velero-namespace')), []),
    veleroServiceAccounts: list('velero-service-account'),
    roles: read('roles', rolesOf(list('roles')), []),
    listen: listen('listen'),
    metricsListen: listen('metrics-listen'),
    dashboardListen: listen('dashboard-listen'),
    dashboardHosts: read('dashboard-host', hostNames(list('dashboard-host')), []),
    dashboardSignIn: read('dashboard-sign-in', oneOf(text('dashboard-sign-in'), ['token', 'none']), 'token'),
    historyFile: optional('history-file'),
    historyDays: read('history-days', wholeBetween(text('history-days'), 1, 3650), 1),
    historyMib: read('history-mib', wholeBetween(text('history-mib'), 16, 1_048_576), 16),
    runsDays: read('runs-days', wholeBetween(text('runs-days'), 1, 3650), 1),
    runsPerAction: read('runs-per-action', wholeBetween(text('runs-per-action'), 1, 10_000), 1),
    webhookUrl: read('webhook-url', origin(optional('webhook-url')), undefined),
    clientCa: optional('client-ca'),
    tls: read('tls', oneOf(text('tls'), ['self', 'files']), 'self'),
    tlsCert: optional('tls-cert'),
    tlsKey: optional('tls-key'),
    tlsCa: optional('tls-ca'),
    egressAllow: list('egress-allow'),
    egressOnly: list('egress-only'),
    egressProxy: read('egress-proxy', proxyAddress(optional('egress-proxy')), undefined),
    egressProxyFor: list('egress-proxy-for'),
    registries: optional('registries'),
    pluginsConfigMaps: read('plugins-config-map', objectNames(list('plugins-config-map')), []),
    pluginsInstallation: optional('plugins-installation'),
    proxyDomain: read('proxy-domain', proxyDomain(optional('proxy-domain')), undefined),
    trustedKeys: list('trusted-keys'),
    certificateOverlapSeconds: read(
      'certificate-overlap-seconds',
      wholeBetween(text('certificate-overlap-seconds'), 10, 86_400),
      600,
    ),
    drainSeconds: seconds('drain-seconds', 60),
    holdMaxSeconds: seconds('hold-max-seconds', 86_400),
    stuckAfterSeconds: seconds('stuck-after-seconds', 30 * 86_400),
    logLevel: read('log-level', oneOf(text('log-level'), logLevels), 'info'),
    veleroPlugins: gate('VELERO_PLUGINS_ENABLED'),
    namespace: env['POD_NAMESPACE'] ?? 'tidewaiter',
    podName: env['POD_NAME'] ?? '',
    serviceName: env[serviceVariable] ?? 'tidewaiter',
  }
  const files = { 'tls-cert': config.tlsCert, 'tls-key': config.tlsKey }
  for (const [flag, file] of Object.entries(files))
    if (config.tls === 'files' && file === undefined)
      problems.push(`--${flag} must name a file with --tls files, got nothing`)
  if ((text('egress-proxy') === '') !== (config.egressProxyFor.length === 0))
    problems.push('--egress-proxy and --egress-proxy-for must be given together, got one of them')
  problems.push(...openDashboard(config, text('dashboard-listen')), ...check(config))
  if (problems.length > 0) throw new ConfigError(problems)
  return Object.freeze(config)
}

/** Where nobody signs in, nobody but the machine itself may come. */
const openDashboard = ({ dashboardSignIn, dashboardListen }: Config, got: string): readonly string[] =>
  dashboardSignIn === 'token' || isLoopback(dashboardListen)
    ? []
    : [
        `--dashboard-listen must be a loopback address (127.0.0.1:PORT) with --dashboard-sign-in none, got "${got}"`,
      ]

/** The texts of the settings, from flags, environment and defaults. */
function settingsOf(flags: Flags, env: Text) {
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
  return { text, optional, list }
}
