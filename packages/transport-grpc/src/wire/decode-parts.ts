import type { Member, PlacedView } from '@chatroom/election'
import type { EntryTrace, VoteRefusal } from '@chatroom/replica'
import type { Entry, EntryKind, Position } from '@chatroom/replication-log'
import { entryKindName, voteRefusalName } from './names.ts'
import { malformed, type ProtobufReader } from './protobuf-reader.ts'

/** Tag of a number. */
export function inVarint(field: number): number {
  return field << 3
}

/** Tag of a text, bytes, or an embedded message. */
export function inBytes(field: number): number {
  return (field << 3) | 2
}

export function required<T>(value: T | undefined, of: string, name: string): T {
  if (value === undefined) throw malformed(`${of} without ${name}`)
  return value
}

export function readPosition(r: ProtobufReader): Position {
  const outer = r.enter()
  let index = 0
  let term = 0
  for (let tag = r.tag(); tag !== 0; tag = r.tag()) {
    if (tag === inVarint(1)) index = r.uint()
    else if (tag === inVarint(2)) term = r.uint()
    else r.skip(tag)
  }
  r.leave(outer)
  return { index, term }
}

export function readMember(r: ProtobufReader): Member {
  const outer = r.enter()
  let id = 0
  let disk = ''
  let incarnation = 0
  for (let tag = r.tag(); tag !== 0; tag = r.tag()) {
    if (tag === inVarint(1)) id = r.uint()
    else if (tag === inBytes(2)) disk = r.text()
    else if (tag === inVarint(3)) incarnation = r.uint()
    else r.skip(tag)
  }
  r.leave(outer)
  return { id, disk, incarnation }
}

export function readView(r: ProtobufReader): PlacedView {
  const outer = r.enter()
  let index = 0
  let term = 0
  const members: Member[] = []
  const learners: Member[] = []
  let clusterId = ''
  let version = 0
  for (let tag = r.tag(); tag !== 0; tag = r.tag()) {
    if (tag === inVarint(1)) index = r.uint()
    else if (tag === inVarint(2)) term = r.uint()
    else if (tag === inBytes(3)) members.push(readMember(r))
    else if (tag === inBytes(4)) learners.push(readMember(r))
    else if (tag === inBytes(5)) clusterId = r.text()
    else if (tag === inVarint(6)) version = r.uint()
    else r.skip(tag)
  }
  r.leave(outer)
  return { members, learners, clusterId, index, term, ...(version > 1 ? { machineVersion: version } : {}) }
}

export function readEntry(r: ProtobufReader): Entry {
  const outer = r.enter()
  let index = 0
  let term = 0
  let time = 0
  let kind: EntryKind | undefined
  let payload: Uint8Array = noBytes
  for (let tag = r.tag(); tag !== 0; tag = r.tag()) {
    if (tag === inVarint(1)) index = r.uint()
    else if (tag === inVarint(2)) term = r.uint()
    else if (tag === inVarint(3)) time = r.uint()
    else if (tag === inVarint(4)) kind = entryKindName(r.uint())
    else if (tag === inBytes(5)) payload = r.bytes()
    else r.skip(tag)
  }
  r.leave(outer)
  // Not by `required`, for which the words would be put together for each entry.
  if (kind === undefined) throw malformed(`entry ${index} without a known kind`)
  return { index, term, time, kind, payload }
}

export function readTrace(r: ProtobufReader): EntryTrace {
  const outer = r.enter()
  let index = 0
  let context = ''
  for (let tag = r.tag(); tag !== 0; tag = r.tag()) {
    if (tag === inVarint(1)) index = r.uint()
    else if (tag === inBytes(2)) context = r.text()
    else r.skip(tag)
  }
  r.leave(outer)
  return { index, context }
}

const noBytes = new Uint8Array(0)

/** Entries that a receiver could not put into a log behind `previous` are refused here, where the link can be blamed. */
export function requireContiguous(previous: Position, entries: readonly Entry[]): void {
  let before = previous
  for (const entry of entries) {
    if (entry.index !== before.index + 1 || entry.term < before.term) {
      throw malformed(
        `entry ${entry.index} of term ${entry.term} directly behind entry ${before.index} of term ${before.term}`,
      )
    }
    before = entry
  }
}

export function readRefusal(r: ProtobufReader): VoteRefusal | null {
  const number = r.uint()
  const refusal = voteRefusalName(number)
  return required(refusal, `a refused vote (${number})`, 'a known reason')
}
