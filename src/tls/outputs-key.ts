/** The Ed25519 key that signs exported outputs, and the public halves of it and of those before it, as our Secret holds them. */
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { readKey } from './certificate.ts'
import type { SecretValues } from './ports.ts'

/** The key now, and the public keys that this install ever signed with: 32 bytes in base64url each, the newest first. */
export type OutputsKeys = { readonly key: KeyObject; readonly publicKeys: readonly string[] }

/** Where they are in the Secret: PKCS #8 in PEM; a public key on each line. */
const places = { key: 'outputs.key', publicKeys: 'outputs.pub' } as const

// Whoever turns the key once a month can still read what was signed two years ago.
const mostKeys = 24
const publicBytes = /^[\w-]{43}$/

/** What the Secret holds; undefined if it holds no such key. */
export function outputsKeysOf(values: SecretValues): OutputsKeys | undefined {
  const key = readKey(values[places.key] ?? '')
  if (key?.asymmetricKeyType !== 'ed25519') return undefined
  return { key, publicKeys: [...new Set([publicOf(key), ...former(values)])] }
}

/** Why the key must be made anew, or its public half be written down; undefined if all is there. */
export function outputsKeyRenewal(values: SecretValues): string | undefined {
  const keys = outputsKeysOf(values)
  if (keys === undefined) return (values[places.key] ?? '') === '' ? 'missing' : 'garbage'
  return keys.publicKeys.every((one) => former(values).includes(one))
    ? undefined
    : 'not among the public keys'
}

/** Whether what is there of the keys cannot be read: nobody turns a key by writing garbage over it. */
export function isOutputsKeyDamaged(values: SecretValues): boolean {
  const { [places.key]: key = '', [places.publicKeys]: publicKeys = '' } = values
  const isKeyBroken = key !== '' && outputsKeysOf(values) === undefined
  return isKeyBroken || (publicKeys.trim() !== '' && former(values).length === 0)
}

/**
 * What the Secret lacks. The former public keys stay: what was signed with them is still to be read. What was damaged, or lost with all
 * of them, comes back from what the Secret had (`had`), if that is known; a key that was taken away alone does not.
 */
export function renewedOutputsKey(values: SecretValues, had?: OutputsKeys): SecretValues {
  const { [places.key]: written = '' } = values
  const lost = former(values).length === 0 ? had : undefined
  const back = written === '' ? lost : had
  const key = (outputsKeysOf(values) ?? back)?.key ?? generateKeyPairSync('ed25519').privateKey
  const all = [publicOf(key), ...former(values), ...(lost?.publicKeys ?? [])]
  const publicKeys = [...new Set(all)].slice(0, mostKeys)
  return {
    [places.key]: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
    [places.publicKeys]: `${publicKeys.join('\n')}\n`,
  }
}

const former = (values: SecretValues): readonly string[] =>
  (values[places.publicKeys] ?? '').split('\n').filter((line) => publicBytes.test(line))

const publicOf = (key: KeyObject): string => createPublicKey(key).export({ format: 'jwk' }).x ?? ''
