import type { Member, PlacedView } from '@chatroom/election'
import type {
  Append,
  Appended,
  EntryTrace,
  Leave,
  LeaveNoted,
  Presence,
  Pull,
  Pulled,
  SnapshotAck,
  SnapshotChunk,
  TimeoutNow,
  VoteRefusal,
  VoteReply,
  VoteRequest,
} from '@chatroom/replica'
import type { Entry, Position } from '@chatroom/replication-log'
import {
  inBytes,
  inVarint,
  readEntry,
  readMember,
  readPosition,
  readRefusal,
  readTrace,
  readView,
  requireContiguous,
  required,
} from './decode-parts.ts'
import { malformed, type ProtobufReader } from './protobuf-reader.ts'

// Each function reads one body of `chatroom.replica.v1.Message` from a reader that has entered it.

export function readAppend(r: ProtobufReader): Append {
  let term = 0
  let previous: Position | undefined
  const entries: Entry[] = []
  let commitIndex = 0
  let round = 0
  let traces: EntryTrace[] | undefined
  for (let tag = r.tag(); tag !== 0; tag = r.tag()) {
    if (tag === inBytes(3)) entries.push(readEntry(r))
    else if (tag === inVarint(1)) term = r.uint()
    else if (tag === inBytes(2)) previous = readPosition(r)
    else if (tag === inVarint(4)) commitIndex = r.uint()
    else if (tag === inVarint(5)) round = r.uint()
    else if (tag === inBytes(6)) {
      traces ??= []
      traces.push(readTrace(r))
    } else r.skip(tag)
  }
  const before = required(previous, 'append', 'previous')
  requireContiguous(before, entries)
  // Not with a spread: this is what a follower does for each batch, and putting an object together from others costs V8 several times as much.
  return traces === undefined
    ? { type: 'append', term, previous: before, entries, commitIndex, round }
    : { type: 'append', term, previous: before, entries, commitIndex, round, traces }
}

export function readAppended(r: ProtobufReader): Appended {
  let term = 0
  let accepted = false
  let matchIndex = 0
  let hint: Position | undefined
  let round = 0
  let commitIndex = 0
  let storageFull = false
  for (let tag = r.tag(); tag !== 0; tag = r.tag()) {
    if (tag === inVarint(1)) term = r.uint()
    else if (tag === inVarint(2)) accepted = r.bool()
    else if (tag === inVarint(3)) matchIndex = r.uint()
    else if (tag === inBytes(4)) hint = readPosition(r)
    else if (tag === inVarint(5)) round = r.uint()
    else if (tag === inVarint(6)) commitIndex = r.uint()
    else if (tag === inVarint(7)) storageFull = r.bool()
    else r.skip(tag)
  }
  return {
    type: 'appended',
    term,
    accepted,
    matchIndex,
    hint: required(hint, 'appended', 'hint'),
    round,
    commitIndex,
    storageFull,
  }
}

export function readVoteRequest(r: ProtobufReader): VoteRequest {
  let term = 0
  let pre = false
  let recovery = false
  let transfer = false
  let last: Position | undefined
  let view: PlacedView | undefined
  let commit: Position | undefined
  const dead: Member[] = []
  for (let tag = r.tag(); tag !== 0; tag = r.tag()) {
    if (tag === inVarint(1)) term = r.uint()
    else if (tag === inVarint(2)) pre = r.bool()
    else if (tag === inVarint(3)) recovery = r.bool()
    else if (tag === inVarint(4)) transfer = r.bool()
    else if (tag === inBytes(5)) last = readPosition(r)
    else if (tag === inBytes(6)) view = readView(r)
    else if (tag === inBytes(7)) commit = readPosition(r)
    else if (tag === inBytes(8)) dead.push(readMember(r))
    else r.skip(tag)
  }
  return {
    type: 'voteRequest',
    term,
    pre,
    recovery,
    transfer,
    ...standing('voteRequest', last, view, commit),
    dead,
  }
}

export function readVoteReply(r: ProtobufReader): VoteReply {
  let term = 0
  let pre = false
  let granted = false
  let refusal: VoteRefusal | null = null
  let last: Position | undefined
  let view: PlacedView | undefined
  let commit: Position | undefined
  for (let tag = r.tag(); tag !== 0; tag = r.tag()) {
    if (tag === inVarint(1)) term = r.uint()
    else if (tag === inVarint(2)) pre = r.bool()
    else if (tag === inVarint(3)) granted = r.bool()
    else if (tag === inVarint(4)) refusal = readRefusal(r)
    else if (tag === inBytes(5)) last = readPosition(r)
    else if (tag === inBytes(6)) view = readView(r)
    else if (tag === inBytes(7)) commit = readPosition(r)
    else r.skip(tag)
  }
  return { type: 'voteReply', term, pre, granted, refusal, ...standing('voteReply', last, view, commit) }
}

export function readPresence(r: ProtobufReader): Presence {
  let term = 0
  let leader: number | null = null
  let admitted = false
  let last: Position | undefined
  let view: PlacedView | undefined
  let commit: Position | undefined
  for (let tag = r.tag(); tag !== 0; tag = r.tag()) {
    if (tag === inVarint(1)) term = r.uint()
    else if (tag === inVarint(2)) leader = r.uint()
    else if (tag === inVarint(3)) admitted = r.bool()
    else if (tag === inBytes(4)) last = readPosition(r)
    else if (tag === inBytes(5)) view = readView(r)
    else if (tag === inBytes(6)) commit = readPosition(r)
    else r.skip(tag)
  }
  return { type: 'presence', term, leader, admitted, ...standing('presence', last, view, commit) }
}

export function readPull(r: ProtobufReader): Pull {
  let term = 0
  let previous: Position | undefined
  for (let tag = r.tag(); tag !== 0; tag = r.tag()) {
    if (tag === inVarint(1)) term = r.uint()
    else if (tag === inBytes(2)) previous = readPosition(r)
    else r.skip(tag)
  }
  return { type: 'pull', term, previous: required(previous, 'pull', 'previous') }
}

export function readPulled(r: ProtobufReader): Pulled {
  let term = 0
  let previous: Position | undefined
  let matched = false
  let hint: Position | undefined
  const entries: Entry[] = []
  let last: Position | undefined
  for (let tag = r.tag(); tag !== 0; tag = r.tag()) {
    if (tag === inVarint(1)) term = r.uint()
    else if (tag === inBytes(2)) previous = readPosition(r)
    else if (tag === inVarint(3)) matched = r.bool()
    else if (tag === inBytes(4)) hint = readPosition(r)
    else if (tag === inBytes(5)) entries.push(readEntry(r))
    else if (tag === inBytes(6)) last = readPosition(r)
    else r.skip(tag)
  }
  const message = {
    type: 'pulled' as const,
    term,
    previous: required(previous, 'pulled', 'previous'),
    matched,
    hint: required(hint, 'pulled', 'hint'),
    entries,
    last: required(last, 'pulled', 'last'),
  }
  requireContiguous(message.previous, entries)
  return message
}

export function readSnapshotChunk(r: ProtobufReader): SnapshotChunk {
  let term = 0
  let snapshot: Position | undefined
  let view: PlacedView | undefined
  let time = 0
  let offset = 0
  let data: Uint8Array = new Uint8Array(0)
  let total = 0
  for (let tag = r.tag(); tag !== 0; tag = r.tag()) {
    if (tag === inVarint(1)) term = r.uint()
    else if (tag === inBytes(2)) snapshot = readPosition(r)
    else if (tag === inBytes(3)) view = readView(r)
    else if (tag === inVarint(4)) time = r.uint()
    else if (tag === inVarint(5)) offset = r.uint()
    else if (tag === inBytes(6)) data = r.bytes()
    else if (tag === inVarint(7)) total = r.uint()
    else r.skip(tag)
  }
  if (offset + data.length > total)
    throw malformed(`bytes up to ${offset + data.length} of a snapshot of ${total}`)
  return {
    type: 'snapshotChunk',
    term,
    snapshot: required(snapshot, 'snapshotChunk', 'snapshot'),
    view: required(view, 'snapshotChunk', 'view'),
    time,
    offset,
    data,
    total,
  }
}

export function readSnapshotAck(r: ProtobufReader): SnapshotAck {
  let term = 0
  let snapshot: Position | undefined
  let offset = 0
  let installed = false
  for (let tag = r.tag(); tag !== 0; tag = r.tag()) {
    if (tag === inVarint(1)) term = r.uint()
    else if (tag === inBytes(2)) snapshot = readPosition(r)
    else if (tag === inVarint(3)) offset = r.uint()
    else if (tag === inVarint(4)) installed = r.bool()
    else r.skip(tag)
  }
  return {
    type: 'snapshotAck',
    term,
    snapshot: required(snapshot, 'snapshotAck', 'snapshot'),
    offset,
    installed,
  }
}

export function readTimeoutNow(r: ProtobufReader): TimeoutNow {
  let term = 0
  for (let tag = r.tag(); tag !== 0; tag = r.tag()) {
    if (tag === inVarint(1)) term = r.uint()
    else r.skip(tag)
  }
  return { type: 'timeoutNow', term }
}

export function readLeave(r: ProtobufReader): Leave {
  let term = 0
  let successor: number | null = null
  for (let tag = r.tag(); tag !== 0; tag = r.tag()) {
    if (tag === inVarint(1)) term = r.uint()
    else if (tag === inVarint(2)) successor = r.uint()
    else r.skip(tag)
  }
  return { type: 'leave', term, successor }
}

export function readLeaveNoted(r: ProtobufReader): LeaveNoted {
  let term = 0
  for (let tag = r.tag(); tag !== 0; tag = r.tag()) {
    if (tag === inVarint(1)) term = r.uint()
    else r.skip(tag)
  }
  return { type: 'leaveNoted', term }
}

function standing(
  of: string,
  last: Position | undefined,
  view: PlacedView | undefined,
  commit: Position | undefined,
): Pick<Presence, 'last' | 'view' | 'commit'> {
  return {
    last: required(last, of, 'last'),
    view: required(view, of, 'view'),
    commit: required(commit, of, 'commit'),
  }
}
