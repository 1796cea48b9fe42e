import { BinaryReader } from '@bufbuild/protobuf/wire'
import { readVarint } from '../codec/varint.ts'
import { StateMachineError } from '../error.ts'
import { type AccountRecord, type MessageRecord, SnapshotRecord } from '../gen/chatroom/state/v1/snapshot.ts'
import { decodeUtf8 } from '../text/utf8.ts'

/** Throws a `StateMachineError` 'malformed snapshot'. */
export function decodeRecord(bytes: Uint8Array): SnapshotRecord['record'] {
  const items = decodeItems(bytes)
  if (items !== undefined) return items
  try {
    return SnapshotRecord.decode(new BinaryReader(bytes)).record
  } catch (cause) {
    throw new StateMachineError(
      'malformed snapshot',
      `A record of ${bytes.length} bytes is no record of a snapshot: the snapshot is damaged, use another.`,
      { cause },
    )
  }
}

/**
 * Decodes accounts and messages, of which a snapshot may have millions, in the form that is written here. Undefined for all else, be it another record, a later version's or damaged bytes:
 * the generated code is to judge it. What this decodes, the generated code decodes alike.
 */
export function decodeItems(record: Uint8Array): SnapshotRecord['record'] {
  const place: Place = { at: 1 }
  const length = readVarint(record, place)
  if (length < 0 || length !== record.length - place.at) return undefined
  if (record[0] === 0x12) return accountsIn(record, place)
  if (record[0] === 0x1a) return mailboxIn(record, place)
  return undefined
}

interface Place {
  at: number
}

function accountsIn(bytes: Uint8Array, place: Place): SnapshotRecord['record'] {
  const accounts: AccountRecord[] = []
  while (place.at < bytes.length) {
    if (bytes[place.at++] !== 0x0a) return undefined
    const end = endOfPart(bytes, place, bytes.length)
    const account = end < 0 ? undefined : accountIn(bytes, place, end)
    if (account === undefined) return undefined
    accounts.push(account)
  }
  return { $case: 'accounts', value: { accounts } }
}

function accountIn(bytes: Uint8Array, place: Place, end: number): AccountRecord | undefined {
  let id = 0
  let name = ''
  let passwordHash = ''
  let firstSequence = 0
  const messages: MessageRecord[] = []
  while (place.at < end) {
    const tag = bytes[place.at++]
    if (tag === 0x08 || tag === 0x20) {
      const value = numberIn(bytes, place, end)
      if (value < 0) return undefined
      if (tag === 0x08) id = value
      else firstSequence = value
      continue
    }
    const partEnd = endOfPart(bytes, place, end)
    if (partEnd < 0) return undefined
    if (tag === 0x2a) {
      const message = messageIn(bytes, place, partEnd)
      if (message === undefined) return undefined
      messages.push(message)
      continue
    }
    const text = decodeUtf8(bytes, place.at, partEnd)
    place.at = partEnd
    if (text === undefined) return undefined
    if (tag === 0x12) name = text
    else if (tag === 0x1a) passwordHash = text
    else return undefined
  }
  return { id, name, passwordHash, firstSequence, messages }
}

function mailboxIn(bytes: Uint8Array, place: Place): SnapshotRecord['record'] {
  let accountId = 0
  const messages: MessageRecord[] = []
  while (place.at < bytes.length) {
    const tag = bytes[place.at++]
    if (tag === 0x08) {
      accountId = numberIn(bytes, place, bytes.length)
      if (accountId < 0) return undefined
      continue
    }
    const end = tag === 0x12 ? endOfPart(bytes, place, bytes.length) : -1
    const message = end < 0 ? undefined : messageIn(bytes, place, end)
    if (message === undefined) return undefined
    messages.push(message)
  }
  return { $case: 'mailbox', value: { accountId, messages } }
}

function messageIn(bytes: Uint8Array, place: Place, end: number): MessageRecord | undefined {
  let id = 0
  let sentAtMs = 0
  let from = ''
  let text = ''
  while (place.at < end) {
    const tag = bytes[place.at++]
    if (tag === 0x08 || tag === 0x10) {
      const value = numberIn(bytes, place, end)
      if (value < 0) return undefined
      if (tag === 0x08) id = value
      else sentAtMs = value
      continue
    }
    const partEnd = endOfPart(bytes, place, end)
    const found = partEnd < 0 ? undefined : decodeUtf8(bytes, place.at, partEnd)
    if (found === undefined) return undefined
    place.at = partEnd
    if (tag === 0x1a) from = found
    else if (tag === 0x22) text = found
    else return undefined
  }
  return { id, sentAtMs, from, text }
}

/** -1 if it is none that `readVarint` reads, or ends beyond `end`. */
function numberIn(bytes: Uint8Array, place: Place, end: number): number {
  const value = readVarint(bytes, place)
  return place.at > end ? -1 : value
}

/** Reads a length: where what has it ends; -1 if that is beyond `end`. */
function endOfPart(bytes: Uint8Array, place: Place, end: number): number {
  const length = numberIn(bytes, place, end)
  return length < 0 || place.at + length > end ? -1 : place.at + length
}
