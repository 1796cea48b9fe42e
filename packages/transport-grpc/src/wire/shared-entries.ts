import type { Entry } from '@chatroom/replication-log'
import { ProtobufWriter } from './protobuf-writer.ts'

/** Room for entries at first, bytes. */
const firstBytes = 16 * 1024

/**
 * The entries of the last `append`, encoded: a leader sends most entries to every follower, in one list.
 */
export class SharedEntries {
  readonly #writer = new ProtobufWriter(firstBytes, 0)
  #entries: readonly Entry[] = []

  /** `write` encodes these entries, which must not change any more. What is returned is good until the next call. */
  encoded(entries: readonly Entry[], write: (writer: ProtobufWriter) => void): Uint8Array {
    if (entries !== this.#entries) {
      this.#writer.restart()
      // If it throws, nothing is encoded.
      this.#entries = []
      write(this.#writer)
      this.#entries = entries
    }
    return this.#writer.written
  }
}
