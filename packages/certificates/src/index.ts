/** A private certificate authority for one cluster: in memory, and as files. */
export {
  type Authority,
  authorityFrom,
  createAuthority,
  type Issued,
  issueForOperator,
  issueForReplica,
  type Validity,
} from './authority.ts'
export { type CertificateErrorCode, CertificatesError } from './error.ts'
export { type WrittenFile, writeClusterCertificates } from './files.ts'
