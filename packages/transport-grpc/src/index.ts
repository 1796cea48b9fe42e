/** Links between replicas over gRPC. What chat programs need is in `@chatroom/transport-grpc/chat`, what an operator's tools need in `@chatroom/transport-grpc/admin`. */
export type { PeerAddress } from './address.ts'
export { type CallOrigin, createPeerTls, type PeerCredentials, type PeerTlsOptions } from './credentials.ts'
export { TransportError, type TransportErrorCode } from './errors.ts'
export { defaultTransportLimits, type TransportLimits } from './limits.ts'
export { createEntrySource, type EntrySourceOptions } from './repair/entry-source.ts'
export { type EntryKeeper, type RepairServiceOptions, repairService } from './repair/repair-service.ts'
export type { ByteStream } from './server/byte-stream.ts'
export { GrpcServer, type GrpcServerOptions } from './server/grpc-server.ts'
export {
  type CertificateFiles,
  type CertificateNotice,
  type Certificates,
  type LoadedCertificates,
  openCertificates,
} from './tls/certificates.ts'
export { Door, type DoorOptions, type Refusal } from './tls/door.ts'
export {
  createGrpcTransport,
  type GrpcTransport,
  type GrpcTransportOptions,
  type PeerService,
} from './transport.ts'
