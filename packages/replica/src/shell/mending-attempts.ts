import type { ModeName, ReplicaId } from '@chatroom/election'
import { type Damage, entryBytes, type Storage } from '@chatroom/replication-log'
import { ReplicaError } from '../errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { EntryAnswer, EntryHolder, EntrySource } from '../ports/entry-source.ts'
import { wasAlone, whyNotProven } from './end-proof.ts'

/** How long one source may take, to answer with entries and with a whole snapshot. */
const ANSWER_MS = 30_000
const SNAPSHOT_MS = 600_000
/** Of a log no more is fetched entry by entry. */
const MOST_BYTES = 64 * 1024 * 1024
/** Where two logs may still agree, entries back from where this one ends. */
const BACK = [0, 1_000, Number.POSITIVE_INFINITY]

/** What an attempt needs of the replica that is mended. */
export interface Patient {
  readonly id: ReplicaId
  readonly storage: Storage
  readonly mode: ModeName
  readonly clock: Clock
  /** Aborted when the replica is stopped. */
  readonly signal: AbortSignal
}

/** Why this source is of no help now, though it may be later. */
export class NotYet extends Error {}

/** Resolves to null if the damage is mended, or to why this source is of no help. Rejects with anything but a `StorageError` if it did not answer, or is to be asked again. */
export type Attempt = (patient: Patient, damage: Damage, source: EntrySource) => Promise<string | null>

export async function mendWithEntries(
  { storage, clock, signal }: Patient,
  damage: Damage,
  source: EntrySource,
): Promise<string | null> {
  const { from, to, needsSnapshot = false } = damage
  if (from === null || needsSnapshot) return ''
  const ask = (first: number): Promise<EntryAnswer> =>
    answerOf((late) => source.fetch({ from: first, to }, late), ANSWER_MS, clock, signal)
  // The entry before proves that both logs are the same up to there; it may be in a snapshot there already.
  let copy = await ask(Math.max(1, from - 1))
  if (copy.entries.length === 0 && from > 1) copy = await ask(from)
  if (copy.entries.length > 0 && (await storage.mend(damage, copy))) return null
  if (copy.entries.some(({ index }) => index >= from)) return 'has others'
  // Who waits itself gives what is whole before its own damage; when that is mended it may have more.
  if (copy.holder === undefined) throw new NotYet('does not have them while it is damaged itself')
  return 'does not have them'
}

export async function mendWithSnapshot(
  { storage, clock, signal }: Patient,
  damage: Damage,
  source: EntrySource,
  asGround = false,
): Promise<string | null> {
  if (damage.from === null || source.snapshot === undefined) return ''
  let broken: { readonly cause: unknown } | null = null
  try {
    return await answerOf(
      async (late) => {
        const copy = await source.snapshot?.(late)
        if (copy === null || copy === undefined) return 'has applied nothing yet'
        async function* chunks(from: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
          try {
            yield* from
          } catch (cause) {
            broken = { cause }
            throw cause
          }
        }
        const mended = await storage.mend(damage, { ...copy, chunks: chunks(copy.chunks), asGround })
        return mended ? null : `has a snapshot at entry ${copy.info.index}, which does not have them`
      },
      SNAPSHOT_MS,
      clock,
      signal,
    )
  } catch (error) {
    throw causeOf(broken) ?? error
  }
}

/**
 * What others know changes while they elect a leader and commit: so they are asked again, whatever they say, unless they can never know it. Where the entries are given up already, a snapshot is the ground that the
 * rest follows.
 */
export async function mendWithEnd(
  patient: Patient,
  damage: Damage,
  source: EntrySource,
): Promise<string | null> {
  const { id, storage, mode } = patient
  const { end } = damage
  if (end === undefined) return ''
  for (const back of BACK) {
    let from = Math.max(1, end.last.index - back)
    let log = await logFrom(patient, source, from)
    if (isGivenUp(log, from) && from === end.last.index) log = await logFrom(patient, source, ++from)
    if (isGivenUp(log, from)) break
    const why = whyNotProven(mode, end, log.holder, log)
    if (why !== null && wasAlone(mode, id, end)) return why
    if (why !== null) throw new NotYet(why)
    const reached = log.entries.at(-1)?.index ?? from - 1
    if (await storage.mend(damage, { ...log, from, end: reached })) return null
    if (from === 1) break
  }
  const why = await mendWithSnapshot(patient, damage, source, true)
  if (why === null) return null
  throw new NotYet(why === '' ? 'has other entries' : why)
}

type HeldLog = EntryAnswer & { readonly holder: EntryHolder }

/** From `from` on all that the source had when it was asked first; none, if it has given up the first of them or they are too many. */
async function logFrom({ clock, signal }: Patient, source: EntrySource, from: number): Promise<HeldLog> {
  const ask = (first: number): Promise<EntryAnswer> =>
    answerOf((late) => source.fetch({ from: first, to: null }, late), ANSWER_MS, clock, signal)
  const { clusterId, holder, entries } = await ask(from)
  if (holder === undefined) throw new NotYet('does not take part yet')
  const found = [...entries]
  let bytes = found.reduce((sum, entry) => sum + entryBytes(entry), 0)
  for (let last = found.at(-1); last !== undefined && last.index < holder.lastIndex; last = found.at(-1)) {
    if (bytes > MOST_BYTES) return { clusterId, holder, entries: [] }
    // Some were not on its disk yet. With the last one again: if it is another, all the log may be.
    const [same, ...more] = (await ask(last.index)).entries
    if (same?.term !== last.term || more.length === 0) throw new NotYet('is changing its log')
    for (const entry of more) bytes += entryBytes(entry)
    found.push(...more)
  }
  return { clusterId, holder, entries: found }
}

function isGivenUp({ holder, entries }: HeldLog, from: number): boolean {
  return entries.length === 0 && holder.lastIndex >= from
}

function causeOf(broken: { readonly cause: unknown } | null): unknown {
  return broken?.cause
}

async function answerOf<T>(
  ask: (signal: AbortSignal) => Promise<T>,
  withinMs: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<T> {
  const late = new AbortController()
  const cancel = clock.after(withinMs, () => late.abort())
  const abort = (): void => late.abort()
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await ask(late.signal)
  } finally {
    cancel()
    signal.removeEventListener('abort', abort)
  }
}

export function stopIf(signal: AbortSignal): void {
  if (signal.aborted) throw new ReplicaError('stopped', 'stopped while its storage was mended')
}
