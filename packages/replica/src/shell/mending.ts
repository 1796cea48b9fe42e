import type { ModeName } from '@chatroom/election'
import {
  type Damage,
  entryBytes,
  type Storage,
  StorageError,
  type StoredState,
} from '@chatroom/replication-log'
import { ReplicaError } from '../errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { EntryAnswer, EntryHolder, EntrySource } from '../ports/entry-source.ts'
import { whyNotProven } from './end-proof.ts'

/** How often sources that did not answer are asked again. */
const ASK_AGAIN_MS = 1_000
/** How long one source may take, to answer with entries and with a whole snapshot. */
const ANSWER_MS = 30_000
const SNAPSHOT_MS = 600_000
/** Of a log no more is fetched entry by entry. */
const MOST_BYTES = 64 * 1024 * 1024
/** Where two logs may still agree, entries back from where this one ends. */
const BACK = [0, 1_000, Number.POSITIVE_INFINITY]

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
  readonly mode: ModeName
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
 * its snapshot has, then with a snapshot of others, last with all that another's log has from there on, where that is proven to be enough. Rejects with the storage's own words, and why
 * nobody could help, when one damage cannot be mended.
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
  // Without a last one nobody can tell which entries are lost.
  const bounded = damage.to !== null || damage.end === undefined
  const entries = bounded ? await askOthers(parts, damage, until, mendWithEntries) : nobody
  if (entries.source !== null) return `mended with ${entriesOf(damage)} from ${entries.source}`
  if (await storage.mend(damage, 'snapshot')) return `gave up ${entriesOf(damage)}, which the snapshot has`
  const snapshot = bounded ? await askOthers(parts, damage, until, mendWithSnapshot) : nobody
  if (snapshot.source !== null) return `mended with a snapshot of ${snapshot.source}`
  const end = damage.end === undefined ? nobody : await askOthers(parts, damage, until, mendWithEnd)
  if (end.source !== null) return `mended with the log of ${end.source}`
  const refusals = [entries, snapshot, end].flatMap((each) => (each.refusals === '' ? [] : [each.refusals]))
  throw new StorageError(
    'corrupt',
    `${message}; ${refusals.length > 0 ? refusals.join('; ') : 'no other replica can tell what was there'}; this replica does not start without them: bring back a replica that has them${damage.end === undefined ? '' : ', or the lost file'}; if there is none, replace this replica by a new one with an empty directory, after \`chatctl recover --without\` its id if the others wait for it`,
    { damage },
  )
}

const nobody: Outcome = { source: null, refusals: '' }

/** Who helped; or, in words, why nobody could. */
interface Outcome {
  readonly source: string | null
  readonly refusals: string
}

/** Why this source is of no help now, though it may be later. */
class NotYet extends Error {}

/** Resolves to null if the damage is mended, or to why this source is of no help. Rejects with anything but a `StorageError` if it did not answer, or is to be asked again. */
type Attempt = (parts: MendingParts, damage: Damage, source: EntrySource) => Promise<string | null>

async function mendWithEntries(
  { storage, clock, signal }: MendingParts,
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
  return copy.entries.some(({ index }) => index >= from) ? 'has others' : 'does not have them'
}

async function mendWithSnapshot(
  { storage, clock, signal }: MendingParts,
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
 * What others know changes while they elect a leader and commit: so they are asked again, whatever they say. Where the entries are given up already, a snapshot is the ground that the
 * rest follows.
 */
async function mendWithEnd(parts: MendingParts, damage: Damage, source: EntrySource): Promise<string | null> {
  const { storage, mode } = parts
  const { end } = damage
  if (end === undefined) return ''
  for (const back of BACK) {
    let from = Math.max(1, end.last.index - back)
    let log = await logFrom(parts, source, from)
    if (isGivenUp(log, from) && from === end.last.index) log = await logFrom(parts, source, ++from)
    if (isGivenUp(log, from)) break
    const why = whyNotProven(mode, end, log.holder, log)
    if (why !== null) throw new NotYet(why)
    const reached = log.entries.at(-1)?.index ?? from - 1
    if (await storage.mend(damage, { ...log, from, end: reached })) return null
    if (from === 1) break
  }
  const why = await mendWithSnapshot(parts, damage, source, true)
  if (why === null) return null
  throw new NotYet(why === '' ? 'has other entries' : why)
}

type HeldLog = EntryAnswer & { readonly holder: EntryHolder }

/** From `from` on all that the source had when it was asked first; none, if it has given up the first of them or they are too many. */
async function logFrom({ clock, signal }: MendingParts, source: EntrySource, from: number): Promise<HeldLog> {
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

/** Asks all others, and those that do not answer again, until one helped or none is left that could. */
async function askOthers(
  parts: MendingParts,
  damage: Damage,
  until: number,
  attempt: Attempt,
): Promise<Outcome> {
  const { sources, clock, withinMs, emit, signal } = parts
  const refused = new Map<EntrySource, string>()
  let silent = ''
  for (;;) {
    const quiet: string[] = []
    const notYet: string[] = []
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
        if (error instanceof NotYet) notYet.push(`${source.name} ${error.message}`)
        else quiet.push(`${source.name} (${error instanceof Error ? error.message : String(error)})`)
      }
    }
    const answered = [...refused].flatMap(([{ name }, why]) => (why === '' ? [] : [`${name} ${why}`]))
    const silence = quiet.length === 0 ? [] : [`no answer from ${quiet.join(', ')}`]
    const words = [...notYet, ...silence].join(', ')
    if (words === '') return { source: null, refusals: answered.join(', ') }
    if (clock.now() >= until) {
      const late = silence.map((each) => `${each} within ${withinMs} ms`)
      return { source: null, refusals: [...answered, ...notYet, ...late].join(', ') }
    }
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
