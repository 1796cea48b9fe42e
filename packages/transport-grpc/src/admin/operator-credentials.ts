import { X509Certificate } from 'node:crypto'
import { type ChannelCredentials, credentials } from '@grpc/grpc-js'
import { type CertificateFiles, openCertificates } from '../tls/certificates.ts'
import { namesIn, speaksForReplica } from '../tls/identity.ts'

/** Ids that are looked for in a certificate; no cluster is larger. */
const mostReplicas = 64

/**
 * What an operator shows to replicas, for `connectAdmin`. Whoever answers has to show the certificate of a replica, signed by an authority in `ca`; at which address does not matter.
 * @throws TransportError `certificates`
 */
export function operatorCredentials(files: CertificateFiles): ChannelCredentials {
  const { ca, key, cert } = openCertificates(files, () => undefined).current()
  return credentials.createSsl(ca, key, cert, {
    checkServerIdentity: (_, { raw }) => {
      const certificate = new X509Certificate(raw)
      for (let id = 0; id < mostReplicas; id++) if (speaksForReplica(certificate, id)) return undefined
      return new Error(`the certificate is not that of a replica: ${namesIn(certificate)}`)
    },
  })
}
