import type { X509Certificate } from 'node:crypto'
import type { ReplicaId } from '@chatroom/election'

// Who a certificate speaks for is told by a DNS name in it: `replica-<id>`, or `operator`. These are no names of hosts, and no public authority certifies names without a dot.

const operatorName = 'operator'

/** The name that the certificate of a replica carries, and by which it is asked for. */
export function replicaName(id: ReplicaId): string {
  return `replica-${id}`
}

export function speaksForReplica(certificate: X509Certificate, id: ReplicaId): boolean {
  return carries(certificate, replicaName(id))
}

export function speaksForOperator(certificate: X509Certificate): boolean {
  return carries(certificate, operatorName)
}

/** Exactly, among the alternative names: neither the subject nor a wildcard counts. */
function carries(certificate: X509Certificate, name: string): boolean {
  return certificate.checkHost(name, { subject: 'never', wildcards: false }) !== undefined
}

/** The names in a certificate, for messages. */
export function namesIn(certificate: X509Certificate): string {
  return certificate.subjectAltName ?? certificate.subject
}
