import { type Replica, ReplicaError } from '@chatroom/replica'
import type { Chat, ChatCounts, Command, Reply } from '@chatroom/state-machine'

/** Milliseconds that a request for a hash may wait for its entry. */
const patienceMs = 8_000
/** Milliseconds after which a leader makes entries itself, because nobody writes. */
const quietMs = 200
/** Entries it makes at most for one request. */
const mostEntries = 64
/** Requests that wait at once. */
const mostWaiting = 4
/** Things in the state (accounts, messages, sessions, remembered replies) that can be hashed in about a quarter of a second; a replica that stands still for a whole one is taken for dead. */
const quicklyHashed = 100_000

let waiting = 0

/**
 * The hash of the chat as of one entry, for comparing replicas. Waits for the entry; a leader to whom nobody writes makes entries that change nothing. While the state is
 * hashed the replica does nothing else.
 * @throws ReplicaError 'not ready' if the entry is past, 'overloaded' if the state is too big or too many ask, 'aborted' if the entry does not come
 */
export async function stateHash(
  replica: Pick<Replica<Command, Reply, Chat>, 'readAt' | 'propose' | 'status' | 'stateMachine'>,
  index: number,
  howeverLong: boolean,
): Promise<{ hash: string; tookMs: number }> {
  const size = sizeOf(replica.stateMachine.counts())
  if (size > quicklyHashed && !howeverLong)
    throw new ReplicaError(
      'overloaded',
      `the state holds ${size} things, and the replica would stand still while it hashes them: ask when nobody needs it, with --however-long`,
    )
  if (waiting >= mostWaiting) throw new ReplicaError('overloaded', 'others wait for hashes: try again')
  waiting++
  const quiet = setTimeout(() => void fill(replica, index), quietMs)
  try {
    return await replica.readAt(index, hashed, { signal: AbortSignal.timeout(patienceMs) })
  } finally {
    clearTimeout(quiet)
    waiting--
  }
}

function hashed(chat: Pick<Chat, 'hash'>): { hash: string; tookMs: number } {
  const begun = performance.now()
  const hash = chat.hash()
  return { hash, tookMs: performance.now() - begun }
}

function sizeOf(counts: ChatCounts): number {
  return (
    counts.accounts +
    counts.sessions +
    counts.endedSessions +
    counts.waitingMessages +
    counts.rememberedReplies
  )
}

/** Housekeeping commands change nothing that was not due. */
async function fill(
  replica: Pick<Replica<Command, Reply, Chat>, 'propose' | 'status'>,
  index: number,
): Promise<void> {
  try {
    for (let made = 0; made < mostEntries; made++) {
      const { serving, lastIndex } = replica.status()
      if (!serving || lastIndex >= index) return
      await replica.propose({ type: 'expire' })
    }
  } catch {
    // Whoever waits for the entry hears that it did not come.
  }
}
