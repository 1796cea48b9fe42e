import type { ReplicaId } from '@chatroom/election'
import type { Hello } from '@chatroom/replica'
import type { PeerAddress } from '../address.ts'

/** A hello, and what besides it two transports tell each other when a link opens. */
export interface Introduction {
  readonly hello: Hello
  /** The replica that the speaker means to talk to. */
  readonly to: ReplicaId
  /** The caller's attempts to reach that replica, counted in its incarnation: of two links the one with the greater number is newer. */
  readonly attempt: number
  /** Where the speaker's listener is bound: an IP address and a port. */
  readonly listener: PeerAddress
}
