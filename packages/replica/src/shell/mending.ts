import { type Damage, type Storage, StorageError, type StoredState } from '@chatroom/replication-log'
import { ReplicaError } from '../errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { EntrySource } from '../ports/entry-source.ts'

/** How often sources that did not answer are asked again. */
const ASK_AGAIN_MS = 1_000
/** How long one source may take. */
const ANSWER_MS = 30_000

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
 * Opens the storage, and mends what is damaged as long as somebody has it: first with what the directory itself tells, then with the entries of others, last by giving up what
 * a snapshot has. Rejects with the storage's own words, and why nobody could help, when one damage cannot be mended.
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
  const { storage } = parts
  if (await storage.mend(damage, 'directory')) return 'mended from what was left of it'
  const { source, refusals } = await mendFromOthers(parts, damage)
  if (source !== null) return `mended with ${entriesOf(damage)} from ${source}`
  if (await storage.mend(damage, 'snapshot')) return `gave up ${entriesOf(damage)}, which the snapshot has`
  throw new StorageError(
    'corrupt',
    `${message}; ${refusals}; this replica does not start without them: bring back a replica that has them, or replace this one by a new one with an empty directory`,
    { damage },
  )
}

async function mendFromOthers(
  parts: MendingParts,
  damage: Damage,
): Promise<{ readonly source: string | null; readonly refusals: string }> {
  const { storage, sources, clock, withinMs, emit, signal } = parts
  const { from, to } = damage
  const none = { source: null, refusals: 'no other replica can tell what was there' }
  if (from === null || sources.length === 0) return none
  const begun = clock.now()
  const refused = new Map<EntrySource, string>()
  let silent = ''
  for (;;) {
    const quiet: string[] = []
    for (const source of sources) {
      if (refused.has(source)) continue
      stopIf(signal)
      try {
        // The entry before proves that both logs are the same up to there; it may be in a snapshot there already.
        let copy = await answerOf(source, { from: Math.max(1, from - 1), to }, clock, signal)
        if (copy.entries.length === 0 && from > 1) copy = await answerOf(source, { from, to }, clock, signal)
        if (copy.entries.length > 0 && (await storage.mend(damage, copy)))
          return { source: source.name, refusals: '' }
        refused.set(
          source,
          copy.entries.some(({ index }) => index >= from) ? 'has others' : 'does not have them',
        )
      } catch (error) {
        if (error instanceof StorageError) throw error
        stopIf(signal)
        quiet.push(`${source.name} (${error instanceof Error ? error.message : String(error)})`)
      }
    }
    const answered = [...refused].map(([{ name }, why]) => `${name} ${why}`)
    if (quiet.length === 0) return { source: null, refusals: answered.join(', ') }
    const words = `no answer from ${quiet.join(', ')}`
    if (clock.now() - begun >= withinMs)
      return { source: null, refusals: [...answered, `${words} within ${withinMs} ms`].join(', ') }
    if (words !== silent)
      emit({ type: 'damage waits', damage, words: `waits for ${entriesOf(damage)}: ${words}` })
    silent = words
    await pause(ASK_AGAIN_MS, clock, signal)
  }
}

async function answerOf(
  source: EntrySource,
  request: Parameters<EntrySource['fetch']>[0],
  clock: Clock,
  signal: AbortSignal,
): ReturnType<EntrySource['fetch']> {
  const late = new AbortController()
  const cancel = clock.after(ANSWER_MS, () => late.abort())
  const abort = (): void => late.abort()
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await source.fetch(request, late.signal)
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
