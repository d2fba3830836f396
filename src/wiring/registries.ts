/** The registry client as the checks of plugins use it. */
import type { ImageReference } from '../core/image.ts'
import { inspect } from '../images/inspect.ts'
import type { Keyring, KeyringEntry } from '../images/keyring.ts'
import type { Ports } from '../images/ports.ts'
import { isForPulling, readPullSecret } from '../images/pull-secret.ts'
import { createRegistry, type Registry } from '../images/registry.ts'
import type { RegistrySettings } from '../images/settings.ts'
import type { HeadOf, Registries, RegistryView, Within } from '../plugins/ports.ts'

/** One client for all: sign-ins are remembered by credential, and each registry is asked a few things at a time. */
export function registriesOf(ports: Ports, settings: readonly RegistrySettings[]): Registries {
  const registry = createRegistry(ports, settings)
  return ({ named, ofPod }) => {
    const own = named === undefined ? nothing : readPullSecret(named)
    if ('problem' in own) return { ...own, of: 'named' }
    const others = ofPod.filter(isForPulling).map(readPullSecret)
    const unusable = others.find((one) => 'problem' in one)
    if (unusable !== undefined) return { ...unusable, of: 'ofPod' }
    const more = others.flatMap((one) => ('ok' in one ? one.ok.keyring.map(asKubeletReads) : []))
    return { ok: viewOf(registry, { keyring: [...own.ok.keyring, ...more], notes: own.ok.notes }) }
  }
}

/** Without an identity token, which the kubelet does not read. In a named secret it is told of. */
function asKubeletReads({ location, credential }: KeyringEntry): KeyringEntry {
  const { username, password, from } = credential
  return { location, credential: { username, password, from } }
}

const nothing = { ok: { keyring: [], notes: [] } }

type Holder = Pick<RegistryView, 'notes'> & { readonly keyring: Keyring }

const viewOf = (registry: Registry, { keyring, notes }: Holder): RegistryView => ({
  notes,
  digestOf: (image, within) => digestOf(registry, image, { keyring, within }),
  inspect: (image, nodes, within) => inspect({ registry, image, nodes, access: { keyring, within } }),
})

type Access = { readonly keyring: Keyring; readonly within: Within }

async function digestOf(registry: Registry, image: ImageReference, access: Access): Promise<HeadOf> {
  const head = await registry.head(image, access)
  // The header with the digest is optional in the distribution specification.
  if ('ok' in head || head.failed.code !== 'BAD_ANSWER') return head
  const manifest = await registry.manifest(image, access)
  return 'ok' in manifest ? { ok: manifest.ok.digest } : manifest
}
