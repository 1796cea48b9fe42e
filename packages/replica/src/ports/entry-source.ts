import type { ReplicaId } from '@chatroom/election'
import type { EntryCopy, SnapshotCopy } from '@chatroom/replication-log'

/** What is missing here. */
export interface EntryRequest {
  /** First index. */
  readonly from: number
  /** Last index; null: as many as the source likes to give at once. */
  readonly to: number | null
}

/** What an answering replica says of itself, as it was when it began to answer. */
export interface EntryHolder {
  readonly id: ReplicaId
  /** Of its data directory. */
  readonly disk: string
  readonly term: number
  /** Whether it leads in that term. */
  readonly leads: boolean
  /** In fail-stop mode: whether it knows that a view names its present run and is in force. */
  readonly admitted: boolean
  /** Where its log ends, what is not durable there yet included. */
  readonly lastIndex: number
}

export interface EntryAnswer extends EntryCopy {
  /** Absent: it holds entries, but does not take part, so that its log proves nothing about the end of another. */
  readonly holder?: EntryHolder
}

/** Another replica that may still hold entries that this one's disk has lost. */
export interface EntrySource {
  /** Who that is, in words that fit behind "from". */
  readonly name: string
  /**
   * The entries it holds durably, contiguous from `from` on: fewer than asked for, or none, if it does not have them (any more). Rejects if it cannot be reached or does not answer
   * now; it is then asked again later. Nothing of the answer is believed without proof. Gives up when `signal` aborts.
   */
  fetch(request: EntryRequest, signal: AbortSignal): Promise<EntryAnswer>
  /** A snapshot of what it has applied; null if that is nothing. As `fetch` otherwise. Without this method it cannot help where nobody has the entries any more. */
  snapshot?(signal: AbortSignal): Promise<SnapshotCopy | null>
}
