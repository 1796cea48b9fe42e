import type { EntryCopy, SnapshotCopy } from '@chatroom/replication-log'

/** What is missing here. */
export interface EntryRequest {
  /** First index. */
  readonly from: number
  /** Last index; null: as many as the source likes to give at once. */
  readonly to: number | null
}

/** Another replica that may still hold entries that this one's disk has lost. */
export interface EntrySource {
  /** Who that is, in words that fit behind "from". */
  readonly name: string
  /**
   * The entries it holds durably, contiguous from `from` on: fewer than asked for, or none, if it does not have them (any more). Rejects if it cannot be reached or does not answer
   * now; it is then asked again later. Nothing of the answer is believed without proof. Gives up when `signal` aborts.
   */
  fetch(request: EntryRequest, signal: AbortSignal): Promise<EntryCopy>
  /** A snapshot of what it has applied; null if that is nothing. As `fetch` otherwise. Without this method it cannot help where nobody has the entries any more. */
  snapshot?(signal: AbortSignal): Promise<SnapshotCopy | null>
}
