/** What an entry is for: a state machine's command, a view, or nothing (a leader's first entry in majority mode). */
export type EntryKind = 'command' | 'view' | 'noop'

/**
 * One place of the replicated log.
 *
 * `index` counts from 1 without gaps. `term` never decreases with the index. Two entries of the same index and term are
 * the same entry (Raft §5.3, log matching).
 */
export interface Entry {
  readonly index: number
  readonly term: number
  /** When the leader took it: milliseconds since 1970 by the leader's clock, never less than the entry before it. */
  readonly time: number
  readonly kind: EntryKind
  /** Never changed after the entry was made. */
  readonly payload: Uint8Array
}

/** Where a log ends, or any other place of it: what elections compare (Raft §5.4.1). */
export interface Position {
  readonly index: number
  readonly term: number
}

/** Before the first entry. */
export const origin: Position = { index: 0, term: 0 }

/** Less than 0 if `a` is less up to date than `b`: by term first, then by index (Raft §5.4.1). */
export function comparePositions(a: Position, b: Position): number {
  return a.term - b.term || a.index - b.index
}

/** Bytes an entry counts for in every bound on bytes: its payload and a flat 64 for the rest. */
export function entryBytes(entry: Entry): number {
  return entry.payload.length + 64
}
