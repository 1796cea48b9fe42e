import type { MethodDefinition, ServerDuplexStream } from '@grpc/grpc-js'
import { status } from '@grpc/grpc-js'
import type { CallOrigin } from './credentials.ts'
import { ReplicaServiceService } from './gen/chatroom/replica/v1/replica_service.ts'
import { prefixBytes } from './wire/grpc-framing.ts'

export interface LinkCallEvents {
  /** One message, without its prefix. */
  message(bytes: Buffer): void
  /** The caller has ended its side, or is gone. Perhaps more than once. */
  gone(): void
}

/** The answering end of one call of `ReplicaService.Link`. */
export interface LinkCall extends CallOrigin {
  /** Where the caller's end of the connection is, as `address:port`. */
  getPeer(): string
  /** Once. What was sent before comes after it. */
  listen(events: LinkCallEvents): void
  /** The caller is a replica: its messages may be as long as those of replicas are. Until then it has to say who it is, in few words. */
  accept(): void
  /** `message` has room for the prefix at its front. */
  write(message: Buffer): void
  /** Ends the call after what was written. Messages that came together with the last one heard may still be told of. */
  end(code: status, details: string): void
}

/** `ReplicaService.Link` with bytes on both sides: they are read where a fault can be answered with words. */
export const linkMethod: { readonly link: MethodDefinition<Buffer, Buffer> } = {
  link: {
    path: ReplicaServiceService.link.path,
    requestStream: true,
    responseStream: true,
    requestSerialize: (bytes) => bytes,
    requestDeserialize: (bytes) => bytes,
    responseSerialize: (bytes) => bytes,
    responseDeserialize: (bytes) => bytes,
  },
}

/** A call that grpc-js answers: of a client that is no replica, or of one that does not say that its connection is a link. */
export function libraryCall(call: ServerDuplexStream<Buffer, Buffer>): LinkCall {
  return {
    getPeer: () => call.getPeer(),
    getAuthContext: () => call.getAuthContext(),
    listen: (events) => {
      const gone = (): void => events.gone()
      call.on('data', (bytes: Buffer) => events.message(bytes))
      call.on('cancelled', gone)
      call.on('error', gone)
      call.on('end', gone)
    },
    // It has one bound for all calls.
    accept: () => undefined,
    write: (message) => call.write(message.subarray(prefixBytes)),
    end: (code, details) => {
      if (code === status.OK) call.end()
      else call.emit('error', { code, details })
    },
  }
}
