/** The registry client as the checks of plugins use it. */
import type { ImageReference } from '../core/image.ts'
import { inspect } from '../images/inspect.ts'
import type { Keyring } from '../images/keyring.ts'
import type { Ports } from '../images/ports.ts'
import { readPullSecret } from '../images/pull-secret.ts'
import { createRegistry, type Registry } from '../images/registry.ts'
import type { RegistrySettings } from '../images/settings.ts'
import type { HeadOf, Registries, RegistryView, Within } from '../plugins/ports.ts'

/** One client for all: sign-ins are remembered by credential, and each registry is asked a few things at a time. */
export function registriesOf(ports: Ports, settings: readonly RegistrySettings[]): Registries {
  const registry = createRegistry(ports, settings)
  return (secret) => {
    if (secret === undefined) return { ok: viewOf(registry, { keyring: [], notes: [] }) }
    const read = readPullSecret(secret)
    return 'ok' in read ? { ok: viewOf(registry, read.ok) } : read
  }
}

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
