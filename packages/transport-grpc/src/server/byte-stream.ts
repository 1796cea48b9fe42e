import type { status } from '@grpc/grpc-js'
import type { CallOrigin } from '../credentials.ts'

/** The answering end of a call of which both sides are bytes. */
export interface ByteStream extends CallOrigin {
  /** Where the caller's end of the connection is, as `address:port`. */
  getPeer(): string
  /** One message, without its prefix. */
  on(event: 'data', listener: (bytes: Buffer) => void): unknown
  /** `end`: the caller has ended its side. `cancelled`: the caller is gone, or sent what cannot be read. */
  on(event: 'end' | 'cancelled', listener: () => void): unknown
  /** Of one message that comes from here on, bytes. As much may be on its way, up to 1 MiB. */
  set longestRequest(bytes: number)
  /** `message` has `roomBytes` at its front. @returns false: better wait for the network */
  writePrefixed(message: Buffer): boolean
  /** Ends the call after what was written. */
  finish(end: { readonly code: status; readonly details: string }): void
}
