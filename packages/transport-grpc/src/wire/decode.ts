import type { Hello, Message } from '@chatroom/replica'
import {
  readAppend,
  readAppended,
  readLeave,
  readLeaveNoted,
  readPresence,
  readPull,
  readPulled,
  readSnapshotAck,
  readSnapshotChunk,
  readTimeoutNow,
  readVoteReply,
  readVoteRequest,
} from './decode-messages.ts'
import { inBytes, inVarint, readMember, required } from './decode-parts.ts'
import type { Introduction } from './introduction.ts'
import { malformed, ProtobufReader } from './protobuf-reader.ts'

/** What one `LinkRequest` holds. */
export type LinkContent =
  | { readonly type: 'introduction'; readonly introduction: Introduction }
  | { readonly type: 'frame'; readonly messages: readonly Message[] }

/**
 * Reads one `LinkRequest`. Bytes in the messages are views of the input. Throws a `TransportError` `malformed message` for anything that is
 * not exactly what the protocol allows; fields of later versions are passed over.
 */
export function decodeLinkRequest(bytes: Uint8Array): LinkContent {
  const r = new ProtobufReader(bytes)
  let content: LinkContent | undefined
  for (let tag = r.tag(); tag !== 0; tag = r.tag()) {
    if (tag === inBytes(1)) content = { type: 'introduction', introduction: readIntroduction(r) }
    else if (tag === inBytes(2)) content = { type: 'frame', messages: readFrame(r) }
    else r.skip(tag)
  }
  return required(content, 'a request', 'its content')
}

/** Reads one `LinkResponse`. Throws a `TransportError` `malformed message`. */
export function decodeLinkResponse(bytes: Uint8Array): Introduction {
  const content = decodeLinkRequest(bytes)
  if (content.type !== 'introduction') throw malformed('a response without a hello')
  return content.introduction
}

function readIntroduction(r: ProtobufReader): Introduction {
  const outer = r.enter()
  let member: Hello['member'] | undefined
  let clusterId = ''
  let mode = ''
  let protocol = 0
  let clientAddress = ''
  let pid = 0
  let processStart = ''
  let machineVersion = 1
  let neededVersion = 1
  let to = 0
  let attempt = 0
  let listener = { host: '', port: 0 }
  for (let tag = r.tag(); tag !== 0; tag = r.tag()) {
    if (tag === inBytes(1)) member = readMember(r)
    else if (tag === inBytes(2)) clusterId = r.text()
    else if (tag === inBytes(3)) mode = r.text()
    else if (tag === inVarint(4)) protocol = r.uint()
    else if (tag === inBytes(5)) clientAddress = r.text()
    else if (tag === inVarint(6)) pid = r.uint()
    else if (tag === inBytes(7)) processStart = r.text()
    else if (tag === inVarint(8)) to = r.uint()
    else if (tag === inVarint(9)) attempt = r.uint()
    else if (tag === inBytes(10)) listener = readListener(r)
    else if (tag === inVarint(11)) machineVersion = r.uint()
    else if (tag === inVarint(12)) neededVersion = r.uint()
    else r.skip(tag)
  }
  r.leave(outer)
  const hello = {
    member: required(member, 'a hello', 'its member'),
    clusterId,
    mode,
    protocol,
    clientAddress,
    pid,
    processStart,
    ...(machineVersion > 1 ? { machineVersion } : {}),
    ...(neededVersion > 1 ? { neededVersion } : {}),
  }
  return { hello, to, attempt, listener }
}

function readListener(r: ProtobufReader): Introduction['listener'] {
  const outer = r.enter()
  let host = ''
  let port = 0
  for (let tag = r.tag(); tag !== 0; tag = r.tag()) {
    if (tag === inBytes(1)) host = r.text()
    else if (tag === inVarint(2)) port = r.uint()
    else r.skip(tag)
  }
  r.leave(outer)
  return { host, port }
}

function readFrame(r: ProtobufReader): Message[] {
  const outer = r.enter()
  const messages: Message[] = []
  for (let tag = r.tag(); tag !== 0; tag = r.tag()) {
    if (tag === inBytes(1)) messages.push(readMessage(r))
    else r.skip(tag)
  }
  r.leave(outer)
  return messages
}

function readMessage(r: ProtobufReader): Message {
  const outer = r.enter()
  let message: Message | undefined
  for (let tag = r.tag(); tag !== 0; tag = r.tag()) {
    if ((tag & 7) !== 2) {
      r.skip(tag)
      continue
    }
    const body = r.enter()
    // A body of a later version is not passed over: a message that one end believes delivered must not vanish.
    message = readBody(r, tag >>> 3)
    r.leave(body)
  }
  r.leave(outer)
  return required(message, 'a message', 'its body')
}

function readBody(r: ProtobufReader, field: number): Message {
  switch (field) {
    case 1:
      return readAppend(r)
    case 2:
      return readAppended(r)
    case 3:
      return readVoteRequest(r)
    case 4:
      return readVoteReply(r)
    case 5:
      return readPresence(r)
    case 6:
      return readPull(r)
    case 7:
      return readPulled(r)
    case 8:
      return readSnapshotChunk(r)
    case 9:
      return readSnapshotAck(r)
    case 10:
      return readTimeoutNow(r)
    case 11:
      return readLeave(r)
    case 12:
      return readLeaveNoted(r)
    default:
      throw malformed(`a message of the unknown kind ${field}`)
  }
}
