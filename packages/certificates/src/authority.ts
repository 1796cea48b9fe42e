// The library finds its algorithms through decorators, which need this first.
import 'reflect-metadata'
import { randomBytes, webcrypto } from 'node:crypto'
import { isIP } from 'node:net'
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  cryptoProvider,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  type JsonGeneralName,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509'
import { CertificatesError } from './error.ts'

cryptoProvider.set(webcrypto)

/** ECDSA on P-256 with SHA-256: what every TLS 1.2 and 1.3 implementation takes. */
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const dayMs = 24 * 60 * 60 * 1_000
/** For clocks that differ a little. */
const leewayMs = 60 * 60 * 1_000

/** From when and for how long a certificate holds. */
export interface Validity {
  /** Default: an hour ago. */
  readonly from?: Date
  /** Days from now, or from `from`. */
  readonly days: number
}

/** A certificate and its key, PEM. */
export interface Issued {
  readonly certificate: string
  /** PKCS #8. Secret. */
  readonly key: string
}

/** Whoever holds this can make certificates for the cluster. */
export type Authority = Issued

/** An authority as it is signed with. Not for others to see: its types would ask for those of a browser. */
interface Signer {
  readonly certificate: X509Certificate
  readonly key: webcrypto.CryptoKey
}

/** A new authority with a key of its own. It signs certificates of ends only, no further authorities. */
export async function createAuthority(validity: Validity): Promise<Authority> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    // A name of its own for each, or two authorities of one name would be confused by those who know both.
    name: `CN=Chatroom CA ${randomBytes(4).toString('hex')}`,
    ...dates(validity),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { certificate: pem(certificate), key: await pemOfKey(keys.privateKey) }
}

/**
 * An authority that was made before, from its PEM texts.
 * @throws CertificatesError `authority` if they cannot be read or do not belong together
 */
export async function authorityFrom({ certificate, key }: Issued): Promise<Authority> {
  await signerOf({ certificate, key })
  return { certificate, key }
}

async function signerOf({ certificate, key }: Authority): Promise<Signer> {
  try {
    const read = new X509Certificate(certificate)
    const bytes = PemConverter.decodeFirst(key)
    const signing = await webcrypto.subtle.importKey('pkcs8', bytes, algorithm, true, ['sign'])
    const probe = randomBytes(32)
    const proof = await webcrypto.subtle.sign(algorithm, signing, probe)
    const publicKey = await webcrypto.subtle.importKey('spki', read.publicKey.rawData, algorithm, true, [
      'verify',
    ])
    if (!(await webcrypto.subtle.verify(algorithm, publicKey, proof, probe)))
      throw new TypeError('the key is not that of the certificate')
    return { certificate: read, key: signing }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new CertificatesError('authority', `The certificate authority cannot be used: ${why}.`, { cause })
  }
}

/**
 * For replica `id`: it answers clients and peers under `hosts` (names or IP addresses), and shows its peers the name `replica-<id>`, in both directions.
 * @throws CertificatesError `authority` if the authority's texts cannot be used
 */
export async function issueForReplica(
  authority: Authority,
  id: number,
  hosts: readonly string[],
  validity: Validity,
): Promise<Issued> {
  const names: JsonGeneralName[] = [{ type: 'dns', value: `replica-${id}` }]
  for (const host of new Set(hosts)) names.push({ type: isIP(host) === 0 ? 'dns' : 'ip', value: host })
  return await issue(authority, `replica-${id}`, names, validity, [
    ExtendedKeyUsage.serverAuth,
    ExtendedKeyUsage.clientAuth,
  ])
}

/**
 * For a person who operates the cluster, under the name `operator`.
 * @throws CertificatesError `authority` if the authority's texts cannot be used
 */
export async function issueForOperator(authority: Authority, validity: Validity): Promise<Issued> {
  return await issue(authority, 'operator', [{ type: 'dns', value: 'operator' }], validity, [
    ExtendedKeyUsage.clientAuth,
  ])
}

async function issue(
  authority: Authority,
  name: string,
  names: JsonGeneralName[],
  validity: Validity,
  usages: ExtendedKeyUsage[],
): Promise<Issued> {
  const signer = await signerOf(authority)
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const extensions: Extension[] = [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    new ExtendedKeyUsageExtension(usages),
    new SubjectAlternativeNameExtension(names),
    await AuthorityKeyIdentifierExtension.create(signer.certificate),
    await SubjectKeyIdentifierExtension.create(keys.publicKey),
  ]
  const certificate = await X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: `CN=${name}`,
    issuer: signer.certificate.subject,
    ...dates(validity),
    publicKey: keys.publicKey,
    signingKey: signer.key,
    signingAlgorithm: algorithm,
    extensions,
  })
  return { certificate: pem(certificate), key: await pemOfKey(keys.privateKey) }
}

function dates({ from, days }: Validity): { notBefore: Date; notAfter: Date } {
  const notBefore = from ?? new Date(Date.now() - leewayMs)
  return { notBefore, notAfter: new Date((from?.getTime() ?? Date.now()) + days * dayMs) }
}

/** Positive, and never seen before (RFC 5280 §4.1.2.2). */
function serialNumber(): string {
  return `4${randomBytes(16).toString('hex').slice(1)}`
}

function pem(certificate: X509Certificate): string {
  return `${certificate.toString('pem')}\n`
}

async function pemOfKey(key: webcrypto.CryptoKey): Promise<string> {
  return `${PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')}\n`
}
