/** What the webhook server shows: our own certificate from the Secret, or one from files. The Secret always holds path and key. */
import { readFile } from 'node:fs/promises'
import type { ServerTls } from '../admission/ports.ts'
import type { Clock } from '../clock.ts'
import type { Config } from '../config.ts'
import { certificatesText } from '../core/certificates.ts'
import { ownLabels } from '../core/registration.ts'
import { objectAt, textAt } from '../core/velero.ts'
import { isKubeError } from '../kube/errors.ts'
import type { Log } from '../log.ts'
import { StartError } from '../start-error.ts'
import { certificateFacts } from '../tls/facts.ts'
import { readPair } from '../tls/file-pair.ts'
import { buildTlsFiles } from '../tls/files.ts'
import { buildKeeper, type Keeper } from '../tls/keeper.ts'
import type { OutputsKeys } from '../tls/outputs-key.ts'
import type { ReadTold, SecretStore, SecretValues } from '../tls/ports.ts'
import type { Standing } from '../tls/standing.ts'
import type { Calls } from './kinds.ts'

/** Certificate, path and key of this process. */
export type Credentials = {
  readonly start: (signal: AbortSignal) => Promise<void>
  readonly server: () => ServerTls
  /** PEM that API servers are to trust; '' leaves the registrations' as they are. */
  readonly caBundle: () => string
  readonly expiresAt: () => number
  /** What may be told of the certificates. */
  readonly told: () => string | undefined
  /** The paths that are accepted. */
  readonly pathTokens: () => readonly string[]
  /** The path that API servers are to call by. */
  readonly pathToken: () => string
  readonly macKey: () => Uint8Array
  /** What signs exported outputs; undefined while the Secret has no key for it. */
  readonly outputsKeys: () => OutputsKeys | undefined
  readonly onChange: (listener: () => void) => void
}

/** Where they are kept. */
export type CredentialWorld = {
  readonly config: Config
  readonly calls: Calls
  readonly clock: Clock
  readonly log: Log
  readonly secret: { readonly namespace: string; readonly name: string }
  /** The names and addresses that API servers call us by. */
  readonly names: readonly string[]
  /** The time by which API servers judge certificates. */
  readonly serverTime: () => number
  readonly readTold: ReadTold
  /** Hears of where a turn stands. */
  readonly onStanding: (standing: Standing) => void
}

/** On our Secret: asks to turn all certificates and the path; taken off when the turn begins. */
const turnAnnotation = 'tidewaiter.io/rotate'

/** The credentials of this process. */
export async function createCredentials(world: CredentialWorld): Promise<Credentials> {
  const { config, names, clock, log, readTold } = world
  const keeper = buildKeeper({
    store: storeOf(world),
    names,
    clock,
    log,
    now: world.serverTime,
    readTold,
    overlapMs: config.certificateOverlapSeconds * 1000,
    onStanding: world.onStanding,
    isServed: config.tls === 'self',
  })
  const clientCa = config.clientCa === undefined ? undefined : await readClientCa(config.clientCa)
  const withCa = (pair: { readonly key: string; readonly cert: string }): ServerTls => ({
    key: pair.key,
    cert: pair.cert,
    ...(clientCa === undefined ? {} : { clientCa }),
  })
  const common = {
    pathTokens: () => keeper.current().pathTokens,
    pathToken: keeper.pathToken,
    macKey: () => keeper.current().macKey,
    outputsKeys: () => keeper.current().outputsKeys,
  }
  const startKeeper = async (signal: AbortSignal) => {
    await mayReadSecret(world)
    await keeper.start(signal)
  }
  if (config.tls === 'self') {
    const own = ownPair(keeper, withCa)
    return { ...own, ...common, told: toldOf(own, true), start: startKeeper }
  }
  const paths = {
    cert: config.tlsCert ?? '',
    key: config.tlsKey ?? '',
    ...(config.tlsCa === undefined ? {} : { ca: config.tlsCa }),
  }
  // The name that an API server asks for (k8s.io/apiserver pkg/util/webhook/client.go); the longer one others need not give.
  const asked = names.slice(0, 1)
  const files = buildTlsFiles({
    read: () => readPair(paths, asked, world.serverTime()),
    clock,
    log,
    now: world.serverTime,
    readTold,
    overlapMs: config.certificateOverlapSeconds * 1000,
    own: () => {
      const { cert, key, caBundle, expiresAt } = keeper.current()
      return { cert, key, caBundle, expiresAt }
    },
  })
  const pair = {
    server: () => withCa(files.current()),
    caBundle: () => files.caBundle() ?? '',
  }
  return {
    ...common,
    ...pair,
    told: toldOf(pair, false),
    start: async (signal) => {
      await startKeeper(signal)
      await files.start(signal)
    },
    expiresAt: () => files.current().expiresAt,
    onChange: (listener) => void [files.onChange(listener), keeper.onChange(listener)],
  }
}

const ownPair = (
  keeper: Keeper,
  withCa: (pair: { readonly key: string; readonly cert: string }) => ServerTls,
) => ({
  server: () => withCa(keeper.current()),
  caBundle: () => keeper.current().caBundle,
  expiresAt: () => keeper.current().expiresAt,
  onChange: (listener: () => void) => void keeper.onChange(listener),
})

/** Read once for each certificate: it is asked for every two seconds. */
function toldOf(
  { server, caBundle }: Pick<Credentials, 'server' | 'caBundle'>,
  isOurs: boolean,
): Credentials['told'] {
  let last = { cert: '', bundle: '', told: undefined as string | undefined }
  return () => {
    const [{ cert }, bundle] = [server(), caBundle()]
    if (cert !== last.cert || bundle !== last.bundle) {
      const facts = certificateFacts({ cert, caBundle: bundle }, isOurs)
      last = { cert, bundle, told: facts && certificatesText(facts) }
    }
    return last.told
  }
}

async function readClientCa(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new StartError(4, `--client-ca must be a readable file of PEM certificates, got: ${why}`, { cause })
  }
}

/** A right that is missing will not come by waiting: the keeper would try for ever. */
async function mayReadSecret({ calls, secret: { namespace, name } }: CredentialWorld): Promise<void> {
  try {
    await calls.secrets(namespace).find(name)
  } catch (cause) {
    if (!isKubeError(cause, 'FORBIDDEN', 'UNAUTHORIZED')) return
    throw new StartError(
      4,
      `tidewaiter keeps its certificate in the Secret ${namespace}/${name}, and needs the rights of deploy/base/rbac-own.yaml, got: ${cause.message}`,
      { cause },
    )
  }
}

function storeOf({ calls, secret: { namespace, name } }: CredentialWorld): SecretStore {
  const secrets = calls.secrets(namespace)
  const body = (
    values: SecretValues,
    { resourceVersion, isTurnAsked = false }: { resourceVersion?: string; isTurnAsked?: boolean } = {},
  ) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'Opaque',
    metadata: {
      name,
      namespace,
      labels: ownLabels,
      ...(isTurnAsked ? { annotations: { [turnAnnotation]: 'asked' } } : {}),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    },
    data: Object.fromEntries(
      Object.entries(values).map(([key, value]) => [key, Buffer.from(value, 'utf8').toString('base64')]),
    ),
  })
  return {
    read: async (signal) => {
      const found = await secrets.find(name, { signal })
      if (found === undefined) return 'missing'
      const values = Object.entries(objectAt(found, 'data')).map(([key, value]) => [
        key,
        Buffer.from(String(value), 'base64').toString('utf8'),
      ])
      return {
        values: Object.fromEntries(values) as SecretValues,
        resourceVersion: textAt(found, 'metadata', 'resourceVersion'),
        isTurnAsked: turnAnnotation in objectAt(found, 'metadata', 'annotations'),
      }
    },
    create: async (values, signal) => {
      try {
        await secrets.create(body(values), { signal })
        return 'created'
      } catch (error) {
        if (isKubeError(error, 'ALREADY_EXISTS')) return 'exists'
        throw error
      }
    },
    update: async ({ values, ...about }, signal) => {
      try {
        await secrets.replace(name, body(values, about), { signal })
        return 'updated'
      } catch (error) {
        if (isKubeError(error, 'CONFLICT')) return 'conflict'
        if (isKubeError(error, 'NOT_FOUND')) return 'missing'
        throw error
      }
    },
  }
}
