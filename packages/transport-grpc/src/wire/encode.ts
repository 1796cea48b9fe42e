import type { Member, PlacedView } from '@chatroom/election'
import type {
  Append,
  Appended,
  Hello,
  Message,
  Pulled,
  SnapshotChunk,
  VoteReply,
  VoteRequest,
} from '@chatroom/replica'
import type { Entry, Position } from '@chatroom/replication-log'
import { roomBytes } from './grpc-framing.ts'
import type { Introduction } from './introduction.ts'
import { entryKindNumber, voteRefusalNumber } from './names.ts'
import { ProtobufWriter } from './protobuf-writer.ts'
import type { SharedEntries } from './shared-entries.ts'

/** What an entry takes beside its payload, and an `append` beside its entries, about. */
const entryHeadBytes = 20
const appendHeadBytes = 24

/** A longer frame is rare, or its entries are for one replica alone. */
const sharedBytes = 128 * 1024

/** One `LinkRequest` with a frame, with `roomBytes` before it. `bytes`: what the messages count for. `shared`: of all frames that may have the same entries. */
export function encodeFrame(messages: readonly Message[], bytes: number, shared?: SharedEntries): Buffer {
  const w = new ProtobufWriter(bytes, roomBytes)
  const expected = messages.map(expectedBytes)
  w.open(2, expected.reduce(plus, 0))
  messages.forEach((message, at) => {
    w.open(1, expected[at])
    writeMessage(w, message, expected[at], bytes <= sharedBytes ? shared : undefined)
    w.close()
  })
  w.close()
  return w.finish()
}

function plus(sum: number, bytes: number): number {
  return sum + bytes
}

/** About how many bytes an `append` with entries takes, so that it need not be moved for its length. Of all else, 0: it is short, or rare. */
function expectedBytes(message: Message): number {
  if (message.type !== 'append' || message.entries.length === 0) return 0
  let bytes = appendHeadBytes
  for (const { payload } of message.entries) bytes += entryHeadBytes + payload.length
  return bytes
}

/** One `LinkRequest` or `LinkResponse` (they agree in this) with a hello, with `roomBytes` before it. */
export function encodeIntroduction({ hello, to, attempt, listener }: Introduction): Buffer {
  const w = new ProtobufWriter(512, roomBytes)
  w.open(1)
  writeHello(w, hello)
  w.uint(8, to)
  w.uint(9, attempt)
  w.open(10)
  w.text(1, listener.host)
  w.uint(2, listener.port)
  w.close()
  w.uint(11, raised(hello.machineVersion))
  w.uint(12, raised(hello.neededVersion))
  w.close()
  return w.finish()
}

function writeHello(w: ProtobufWriter, hello: Hello): void {
  writeMember(w, 1, hello.member)
  w.text(2, hello.clusterId)
  w.text(3, hello.mode)
  w.uint(4, hello.protocol)
  w.text(5, hello.clientAddress)
  w.uint(6, hello.pid)
  w.text(7, hello.processStart)
}

/** The first version goes without saying. */
function raised(version = 1): number {
  return version === 1 ? 0 : version
}

/** The body of a `Message`: one embedded message, its field number saying which. */
function writeMessage(w: ProtobufWriter, message: Message, expected?: number, shared?: SharedEntries): void {
  switch (message.type) {
    case 'append':
      return embed(w, 1, () => writeAppend(w, message, shared), expected)
    case 'appended':
      return embed(w, 2, () => writeAppended(w, message))
    case 'voteRequest':
      return embed(w, 3, () => writeVoteRequest(w, message))
    case 'voteReply':
      return embed(w, 4, () => writeVoteReply(w, message))
    case 'presence':
      return embed(w, 5, () => {
        w.uint(1, message.term)
        if (message.leader !== null) w.presentUint(2, message.leader)
        w.bool(3, message.admitted)
        writePosition(w, 4, message.last)
        writeView(w, 5, message.view)
        writePosition(w, 6, message.commit)
      })
    case 'pull':
      return embed(w, 6, () => {
        w.uint(1, message.term)
        writePosition(w, 2, message.previous)
      })
    case 'pulled':
      return embed(w, 7, () => writePulled(w, message))
    case 'snapshotChunk':
      return embed(w, 8, () => writeSnapshotChunk(w, message))
    case 'snapshotAck':
      return embed(w, 9, () => {
        w.uint(1, message.term)
        writePosition(w, 2, message.snapshot)
        w.uint(3, message.offset)
        w.bool(4, message.installed)
      })
    case 'timeoutNow':
      return embed(w, 10, () => w.uint(1, message.term))
    case 'leave':
      return embed(w, 11, () => {
        w.uint(1, message.term)
        if (message.successor !== null) w.presentUint(2, message.successor)
      })
    case 'leaveNoted':
      return embed(w, 12, () => w.uint(1, message.term))
  }
}

function embed(w: ProtobufWriter, field: number, write: () => void, expected?: number): void {
  w.open(field, expected)
  write()
  w.close()
}

function writeAppend(w: ProtobufWriter, m: Append, shared?: SharedEntries): void {
  w.uint(1, m.term)
  writePosition(w, 2, m.previous)
  if (shared === undefined) writeEntries(w, 3, m.entries)
  else w.encoded(shared.encoded(m.entries, (to) => writeEntries(to, 3, m.entries)))
  w.uint(4, m.commitIndex)
  w.uint(5, m.round)
  if (m.traces === undefined) return
  for (const { index, context } of m.traces) {
    w.open(6)
    w.uint(1, index)
    w.text(2, context)
    w.close()
  }
}

function writeAppended(w: ProtobufWriter, m: Appended): void {
  w.uint(1, m.term)
  w.bool(2, m.accepted)
  w.uint(3, m.matchIndex)
  writePosition(w, 4, m.hint)
  w.uint(5, m.round)
  w.uint(6, m.commitIndex)
  w.bool(7, m.storageFull)
}

function writeVoteRequest(w: ProtobufWriter, m: VoteRequest): void {
  w.uint(1, m.term)
  w.bool(2, m.pre)
  w.bool(3, m.recovery)
  w.bool(4, m.transfer)
  writePosition(w, 5, m.last)
  writeView(w, 6, m.view)
  writePosition(w, 7, m.commit)
  for (const member of m.dead) writeMember(w, 8, member)
}

function writeVoteReply(w: ProtobufWriter, m: VoteReply): void {
  w.uint(1, m.term)
  w.bool(2, m.pre)
  w.bool(3, m.granted)
  w.uint(4, voteRefusalNumber(m.refusal))
  writePosition(w, 5, m.last)
  writeView(w, 6, m.view)
  writePosition(w, 7, m.commit)
}

function writePulled(w: ProtobufWriter, m: Pulled): void {
  w.uint(1, m.term)
  writePosition(w, 2, m.previous)
  w.bool(3, m.matched)
  writePosition(w, 4, m.hint)
  writeEntries(w, 5, m.entries)
  writePosition(w, 6, m.last)
}

function writeSnapshotChunk(w: ProtobufWriter, m: SnapshotChunk): void {
  w.uint(1, m.term)
  writePosition(w, 2, m.snapshot)
  writeView(w, 3, m.view)
  w.uint(4, m.time)
  w.uint(5, m.offset)
  w.bytes(6, m.data)
  w.uint(7, m.total)
}

function writeEntries(w: ProtobufWriter, field: number, entries: readonly Entry[]): void {
  for (const entry of entries) {
    w.open(field, entryHeadBytes + entry.payload.length)
    w.uint(1, entry.index)
    w.uint(2, entry.term)
    w.uint(3, entry.time)
    w.uint(4, entryKindNumber(entry.kind))
    w.bytes(5, entry.payload)
    w.close()
  }
}

function writePosition(w: ProtobufWriter, field: number, position: Position): void {
  w.open(field)
  w.uint(1, position.index)
  w.uint(2, position.term)
  w.close()
}

function writeMember(w: ProtobufWriter, field: number, member: Member): void {
  w.open(field)
  w.uint(1, member.id)
  w.text(2, member.disk)
  w.uint(3, member.incarnation)
  w.close()
}

function writeView(w: ProtobufWriter, field: number, view: PlacedView): void {
  w.open(field)
  w.uint(1, view.index)
  w.uint(2, view.term)
  for (const member of view.members) writeMember(w, 3, member)
  for (const member of view.learners) writeMember(w, 4, member)
  w.text(5, view.clusterId)
  w.uint(6, raised(view.machineVersion))
  w.close()
}
