import { type Damage, StorageError, type StoredState } from '@chatroom/replication-log'
import type { Clock } from '../ports/clock.ts'
import type { EntrySource } from '../ports/entry-source.ts'
import {
  type Attempt,
  mendWithEnd,
  mendWithEntries,
  mendWithSnapshot,
  NotYet,
  type Patient,
  stopIf,
} from './mending-attempts.ts'

/** How often sources that were of no help yet are asked again. */
const ASK_AGAIN_MS = 1_000

/** What a replica does about damage on its disk before it takes part. */
export type MendingEvent =
  /** Damage was found; `words` say which. */
  | { readonly type: 'damage found'; readonly damage: Damage; readonly words: string }
  /** It waits for replicas that may have the entries and do not answer. */
  | { readonly type: 'damage waits'; readonly damage: Damage; readonly words: string }
  /** `words` say with what. */
  | { readonly type: 'damage mended'; readonly damage: Damage; readonly words: string }

export interface MendingParts extends Patient {
  readonly sources: readonly EntrySource[]
  /** Milliseconds to wait for sources that do not answer. */
  readonly withinMs: number
  readonly tailBytes: number
  readonly emit: (event: MendingEvent) => void
  /** It needs others: they may be damaged elsewhere and need this one. */
  readonly needsOthers?: () => Promise<void>
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

/** One way to make up for a damage with what others have. */
interface Way {
  readonly attempt: Attempt
  /** With what it was mended then. */
  readonly words: (source: string) => string
  /** Who can never help so, and why; '' if that is nothing to speak of. */
  readonly refused: Map<EntrySource, string>
}

/** Says with what it was mended, or rejects. */
async function mend(parts: MendingParts, damage: Damage, message: string): Promise<string> {
  const { storage, clock, withinMs, emit, signal } = parts
  if (await storage.mend(damage, 'directory')) return 'mended from what was left of it'
  await parts.needsOthers?.()
  const until = clock.now() + withinMs
  const ways = waysFor(damage)
  const [first] = ways
  let told = ''
  for (let round = 0; ; round++) {
    const open = { notYet: new Set<string>(), silent: new Map<EntrySource, string>() }
    for (const way of ways) {
      const source = await askOthers(parts, damage, way, open)
      if (source !== null) return way.words(source)
      if (way === first && round === 0 && (await storage.mend(damage, 'snapshot')))
        return `gave up ${entriesOf(damage)}, which the snapshot has`
    }
    const silence = open.silent.size === 0 ? '' : `no answer from ${[...open.silent.values()].join(', ')}`
    const words = [...open.notYet, silence].filter((each) => each !== '').join(', ')
    if (words === '' || clock.now() >= until) {
      const late = silence === '' ? [] : [`${silence} within ${withinMs} ms`]
      throw refusal(damage, message, [...refusalsOf(ways), ...open.notYet, ...late])
    }
    if (words !== told)
      emit({ type: 'damage waits', damage, words: `waits for ${entriesOf(damage)}: ${words}` })
    told = words
    await pause(ASK_AGAIN_MS, clock, signal)
  }
}

function waysFor(damage: Damage): readonly Way[] {
  const way = (attempt: Attempt, words: (source: string) => string): Way => ({
    attempt,
    words,
    refused: new Map(),
  })
  const entries = way(mendWithEntries, (source) => `mended with ${entriesOf(damage)} from ${source}`)
  const snapshot = way(mendWithSnapshot, (source) => `mended with a snapshot of ${source}`)
  const end = way(mendWithEnd, (source) => `mended with the log of ${source}`)
  if (damage.end === undefined) return [entries, snapshot]
  // Without a last one nobody can tell which entries are lost.
  return damage.to === null ? [end] : [entries, snapshot, end]
}

function refusalsOf(ways: readonly Way[]): string[] {
  return ways.flatMap(({ refused }) => {
    const words = [...refused].flatMap(([{ name }, why]) => (why === '' ? [] : [`${name} ${why}`]))
    return words.length === 0 ? [] : [words.join(', ')]
  })
}

function refusal(damage: Damage, message: string, why: readonly string[]): StorageError {
  const others = why.length > 0 ? why.join('; ') : 'no other replica can tell what was there'
  const lostFile = damage.end === undefined ? '' : ', or the lost file'
  return new StorageError(
    'corrupt',
    `${message}; ${others}; this replica does not start without them: bring back a replica that has them${lostFile}; if there is none, replace this replica by a new one with an empty directory, after \`chatctl recover --without\` its id if the others wait for it`,
    { damage },
  )
}

/** Asks all others once that may help so. Returns the name of the one that did; or null, and notes who may help later. */
async function askOthers(
  parts: MendingParts,
  damage: Damage,
  { attempt, refused }: Way,
  open: { readonly notYet: Set<string>; readonly silent: Map<EntrySource, string> },
): Promise<string | null> {
  for (const source of parts.sources) {
    if (refused.has(source) || open.silent.has(source)) continue
    stopIf(parts.signal)
    try {
      const why = await attempt(parts, damage, source)
      if (why === null) return source.name
      refused.set(source, why)
    } catch (error) {
      if (error instanceof StorageError) throw error
      stopIf(parts.signal)
      if (error instanceof NotYet) open.notYet.add(`${source.name} ${error.message}`)
      else
        open.silent.set(source, `${source.name} (${error instanceof Error ? error.message : String(error)})`)
    }
  }
  return null
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
