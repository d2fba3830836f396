/** The pieces of a certificate in DER (X.690, RFC 5280), by node-forge. Forge itself signs RSA only, so keys and signatures are node:crypto's. */
import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'
import type forge from 'node-forge'
import asn1 from 'node-forge/lib/asn1.js'

const { Class, Type } = asn1

/** One piece of DER. */
export type Der = forge.asn1.Asn1

/** Bytes as forge holds them: one character each. */
const binary = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')
/** The encoded form. */
export const bytesOf = (der: Der): Buffer => Buffer.from(asn1.toDer(der).getBytes(), 'latin1')
/** The piece that bytes encode; throws if they are none. */
export const read = (bytes: Uint8Array): Der => asn1.fromDer(binary(bytes))

const universal = (type: forge.asn1.Type, value: string): Der =>
  asn1.create(Class.UNIVERSAL, type, false, value)
/** SEQUENCE. */
export const sequence = (...parts: Der[]): Der => asn1.create(Class.UNIVERSAL, Type.SEQUENCE, true, parts)
const context = (tag: number, constructed: boolean, value: string | Der[]): Der =>
  // A context tag is a number of its own; forge's declarations know those of universal types only.
  // oxlint-disable-next-line typescript/no-unsafe-enum-assignment
  asn1.create(Class.CONTEXT_SPECIFIC, tag, constructed, value)
/** [n] EXPLICIT. */
export const explicit = (tag: number, value: Der): Der => context(tag, true, [value])
const implicit = (tag: number, value: string): Der => context(tag, false, value)
/** INTEGER of bytes that are positive and minimal. */
export const integer = (bytes: Uint8Array): Der => universal(Type.INTEGER, binary(bytes))
/** BIT STRING of whole bytes. */
export const bitString = (bytes: Uint8Array): Der => universal(Type.BITSTRING, `\0${binary(bytes)}`)
const oid = (id: string): Der => universal(Type.OID, asn1.oidToDer(id).getBytes())

/** AlgorithmIdentifier ecdsa-with-SHA256, RFC 5758 3.2. */
export const ecdsaWithSha256 = (): Der => sequence(oid('1.2.840.10045.4.3.2'))

/** Time, RFC 5280 4.1.2.5: UTCTime through 2049. */
export function time(ms: number): Der {
  const date = new Date(ms)
  if (date.getUTCFullYear() < 2050) return universal(Type.UTCTIME, asn1.dateToUtcTime(date))
  return universal(Type.GENERALIZEDTIME, asn1.dateToGeneralizedTime(date))
}

/** A Name of one common name. */
export function commonName(value: string): Der {
  const attribute = sequence(oid('2.5.4.3'), universal(Type.UTF8, binary(Buffer.from(value))))
  return sequence(asn1.create(Class.UNIVERSAL, Type.SET, true, [attribute]))
}

/** The subject of an encoded certificate, byte for byte: the issuer of what it signs. */
export function subjectOf(certificate: Uint8Array): Der {
  const [tbs] = partsOf(read(certificate))
  // version [0], serialNumber, signature, issuer, validity, subject
  const subject = tbs === undefined ? undefined : partsOf(tbs)[5]
  if (subject === undefined) throw new TypeError('wanted a certificate of version 3, got something else')
  return subject
}

const partsOf = (der: Der): readonly Der[] => (typeof der.value === 'string' ? [] : der.value)

function extension(id: string, critical: boolean, value: Der): Der {
  const body = universal(Type.OCTETSTRING, binary(bytesOf(value)))
  return critical ? sequence(oid(id), universal(Type.BOOLEAN, '\xff'), body) : sequence(oid(id), body)
}

/** subjectKeyIdentifier. */
export const subjectKey = (id: Uint8Array): Der =>
  extension('2.5.29.14', false, universal(Type.OCTETSTRING, binary(id)))
/** authorityKeyIdentifier. */
export const authorityKey = (id: Uint8Array): Der =>
  extension('2.5.29.35', false, sequence(implicit(0, binary(id))))

/** basicConstraints (critical): an authority that signs no authorities, or none at all. */
export const constraints = (authority: boolean): Der =>
  extension(
    '2.5.29.19',
    true,
    authority ? sequence(universal(Type.BOOLEAN, '\xff'), universal(Type.INTEGER, '\0')) : sequence(),
  )

/** keyUsage (critical): keyCertSign and cRLSign, or digitalSignature. */
export const keyUsage = (authority: boolean): Der =>
  extension('2.5.29.15', true, universal(Type.BITSTRING, authority ? '\x01\x06' : '\x07\x80'))

/** extKeyUsage: serverAuth or clientAuth. */
export const extendedUsage = (use: 'server' | 'client'): Der =>
  extension('2.5.29.37', false, sequence(oid(use === 'server' ? '1.3.6.1.5.5.7.3.1' : '1.3.6.1.5.5.7.3.2')))

/** subjectAltName: addresses as IP, everything else as DNS. */
export const alternativeNames = (names: readonly string[]): Der =>
  extension(
    '2.5.29.17',
    false,
    sequence(
      ...names.map((name) =>
        isIP(name) === 0
          ? implicit(2, name)
          : implicit(7, binary(Uint8Array.from(ipaddr.parse(name).toByteArray()))),
      ),
    ),
  )
