import {
  type Damage,
  type EntryCopy,
  type Storage,
  StorageError,
  type StoredState,
} from '@chatroom/replication-log'
import { ReplicaError } from '../errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { EntrySource } from '../ports/entry-source.ts'

/** How often sources that did not answer are asked again. */
const ASK_AGAIN_MS = 1_000
/** How long one source may take, to answer with entries and with a whole snapshot. */
const ANSWER_MS = 30_000
const SNAPSHOT_MS = 600_000

/** What a replica does about damage on its disk before it takes part. */
export type MendingEvent =
  /** Damage was found; `words` say which. */
  | { readonly type: 'damage found'; readonly damage: Damage; readonly words: string }
  /** It waits for replicas that may have the entries and do not answer. */
  | { readonly type: 'damage waits'; readonly damage: Damage; readonly words: string }
  /** `words` say with what. */
  | { readonly type: 'damage mended'; readonly damage: Damage; readonly words: string }

export interface MendingParts {
  readonly storage: Storage
  readonly sources: readonly EntrySource[]
  readonly clock: Clock
  /** Milliseconds to wait for sources that do not answer. */
  readonly withinMs: number
  readonly tailBytes: number
  /** Aborted when the replica is stopped. */
  readonly signal: AbortSignal
  readonly emit: (event: MendingEvent) => void
}

/**
 * Opens the storage, and mends what is damaged as long as somebody has it: first with what the directory itself tells, then with the entries of others, then by giving up what
 * its snapshot has, last with a snapshot of others. Rejects with the storage's own words, and why nobody could help, when one damage cannot be mended.
 */
export async function openWhole(parts: MendingParts): Promise<StoredState> {
  const { storage, tailBytes, emit } = parts
  let mended: string | null = null
  for (;;) {
    try {
      return await storage.open({ tailBytes })
    } catch (error) {
      if (!(error instanceof StorageError) || error.damage === null) throw error
      const { damage, message } = error
      const key = JSON.stringify([damage, message])
      // The same again: the disk does not keep what is written to it.
      if (key === mended) throw error
      mended = key
      emit({ type: 'damage found', damage, words: message })
      const words = await mend(parts, damage, message)
      emit({ type: 'damage mended', damage, words })
    }
  }
}

/** Says with what it was mended, or rejects. */
async function mend(parts: MendingParts, damage: Damage, message: string): Promise<string> {
  const { storage, clock, withinMs } = parts
  if (await storage.mend(damage, 'directory')) return 'mended from what was left of it'
  const until = clock.now() + withinMs
  const entries = await askOthers(parts, damage, until, mendWithEntries)
  if (entries.source !== null) return `mended with ${entriesOf(damage)} from ${entries.source}`
  if (await storage.mend(damage, 'snapshot')) return `gave up ${entriesOf(damage)}, which the snapshot has`
  const snapshot = await askOthers(parts, damage, until, mendWithSnapshot)
  if (snapshot.source !== null) return `mended with a snapshot of ${snapshot.source}`
  const refusals = [entries.refusals, snapshot.refusals].filter((words) => words !== '')
  throw new StorageError(
    'corrupt',
    `${message}; ${refusals.length > 0 ? refusals.join('; ') : 'no other replica can tell what was there'}; this replica does not start without them: bring back a replica that has them, or replace this one by a new one with an empty directory`,
    { damage },
  )
}

/** Resolves to null if the damage is mended, or to why this source is of no help. Rejects with anything but a `StorageError` if it did not answer. */
type Attempt = (parts: MendingParts, damage: Damage, source: EntrySource) => Promise<string | null>

async function mendWithEntries(
  { storage, clock, signal }: MendingParts,
  damage: Damage,
  source: EntrySource,
): Promise<string | null> {
  const { from, to, needsSnapshot = false } = damage
  if (from === null || needsSnapshot) return ''
  const ask = (first: number): Promise<EntryCopy> =>
    answerOf((late) => source.fetch({ from: first, to }, late), ANSWER_MS, clock, signal)
  // The entry before proves that both logs are the same up to there; it may be in a snapshot there already.
  let copy = await ask(Math.max(1, from - 1))
  if (copy.entries.length === 0 && from > 1) copy = await ask(from)
  if (copy.entries.length > 0 && (await storage.mend(damage, copy))) return null
  return copy.entries.some(({ index }) => index >= from) ? 'has others' : 'does not have them'
}

async function mendWithSnapshot(
  { storage, clock, signal }: MendingParts,
  damage: Damage,
  source: EntrySource,
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
        const mended = await storage.mend(damage, { ...copy, chunks: chunks(copy.chunks) })
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

function causeOf(broken: { readonly cause: unknown } | null): unknown {
  return broken?.cause
}

/** Asks all others, and those that do not answer again, until one helped or none is left that could. */
async function askOthers(
  parts: MendingParts,
  damage: Damage,
  until: number,
  attempt: Attempt,
): Promise<{ readonly source: string | null; readonly refusals: string }> {
  const { sources, clock, withinMs, emit, signal } = parts
  const refused = new Map<EntrySource, string>()
  let silent = ''
  for (;;) {
    const quiet: string[] = []
    for (const source of sources) {
      if (refused.has(source)) continue
      stopIf(signal)
      try {
        const why = await attempt(parts, damage, source)
        if (why === null) return { source: source.name, refusals: '' }
        refused.set(source, why)
      } catch (error) {
        if (error instanceof StorageError) throw error
        stopIf(signal)
        quiet.push(`${source.name} (${error instanceof Error ? error.message : String(error)})`)
      }
    }
    const answered = [...refused].flatMap(([{ name }, why]) => (why === '' ? [] : [`${name} ${why}`]))
    if (quiet.length === 0) return { source: null, refusals: answered.join(', ') }
    const words = `no answer from ${quiet.join(', ')}`
    if (clock.now() >= until)
      return { source: null, refusals: [...answered, `${words} within ${withinMs} ms`].join(', ') }
    if (words !== silent)
      emit({ type: 'damage waits', damage, words: `waits for ${entriesOf(damage)}: ${words}` })
    silent = words
    await pause(ASK_AGAIN_MS, clock, signal)
  }
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

function stopIf(signal: AbortSignal): void {
  if (signal.aborted) throw new ReplicaError('stopped', 'stopped while its storage was mended')
}

function pause(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      cancel()
      signal.removeEventListener('abort', done)
      resolve()
    }
    const cancel = clock.after(ms, done)
    signal.addEventListener('abort', done, { once: true })
  })
}

function entriesOf({ from, to }: Damage): string {
  if (from === null) return 'what was lost'
  if (to === null) return `entries from ${from} on`
  return from === to ? `entry ${from}` : `entries ${from} to ${to}`
}
