import type { Member, ReplicaId } from './member.ts'

/**
 * Who must hold an entry (fail-stop) or who votes on it (majority), and who only follows. Stored as the payload of a log entry of the kind
 * `view`; it takes effect for a replica when appended to its log.
 */
export interface View {
  /** Ascending by id, each id once, at least one. */
  readonly members: readonly Member[]
  /** Replicas that get the log but do not count (majority mode; in fail-stop mode any connected replica outside the view is one). */
  readonly learners: readonly Member[]
  /** The cluster's random name; '' only in the bootstrap view. */
  readonly clusterId: string
  /**
   * What the log may hold from this view on: commands that need this version of the state machine, or an earlier one. Raised by a leader once all replicas have it. Absent: 1.
   */
  readonly machineVersion?: number
}

/** A view and the entry that holds it. Views are ordered by term, then index. */
export interface PlacedView extends View {
  readonly index: number
  readonly term: number
}

/** The view every replica of a new cluster starts with, without an exchange of messages: index 1, term 0. */
export function bootstrapView(ids: readonly ReplicaId[]): View {
  const members = [...ids].sort((a, b) => a - b).map((id) => ({ id, disk: '', incarnation: 0 }))
  return { members, learners: [], clusterId: '' }
}

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

/** Canonical: equal views have equal bytes. */
export function encodeView(view: View): Uint8Array {
  const plain = (list: readonly Member[]): unknown[] => list.map((m) => [m.id, m.disk, m.incarnation])
  const { clusterId, members, learners, machineVersion = 1 } = view
  const raised = machineVersion === 1 ? {} : { v: machineVersion }
  return encoder.encode(JSON.stringify({ c: clusterId, m: plain(members), l: plain(learners), ...raised }))
}

/** Throws a `TypeError` that says what is wrong if the bytes are not a view. */
export function decodeView(payload: Uint8Array): View {
  const raw: unknown = JSON.parse(decoder.decode(payload))
  if (
    typeof raw !== 'object' ||
    raw === null ||
    !('c' in raw) ||
    !('m' in raw) ||
    !('l' in raw) ||
    typeof raw.c !== 'string'
  ) {
    throw new TypeError('view entry: not an object of c, m and l')
  }
  const [clusterId, members, learners] = [raw.c, decodeMembers(raw.m), decodeMembers(raw.l)]
  if (members.length === 0) throw new TypeError('view entry: no members')
  return 'v' in raw
    ? { clusterId, members, learners, machineVersion: decodeVersion(raw.v) }
    : { clusterId, members, learners }
}

function decodeVersion(raw: unknown): number {
  if (typeof raw !== 'number' || !Number.isSafeInteger(raw) || raw < 2)
    throw new TypeError('view entry: the version of the state machine is not a whole number from 2 on')
  return raw
}

function decodeMembers(raw: unknown): Member[] {
  if (!Array.isArray(raw)) throw new TypeError('view entry: members are not a list')
  return raw.map((item: unknown) => {
    if (!Array.isArray(item)) throw new TypeError('view entry: a member is not a list')
    const [id, disk, incarnation] = item as readonly unknown[]
    if (!Number.isSafeInteger(id) || typeof id !== 'number' || typeof disk !== 'string')
      throw new TypeError('view entry: a member has no id or disk')
    if (!Number.isSafeInteger(incarnation) || typeof incarnation !== 'number')
      throw new TypeError('view entry: a member has no incarnation')
    return { id, disk, incarnation }
  })
}
