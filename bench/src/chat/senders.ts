import { readChatMessageError, SendMessagesResponse } from '@chatroom/transport-grpc/chat'
import { UnaryCalls } from '../http2/unary-calls.ts'
import { idBytes } from '../payload.ts'
import { type Answers, BatchingStream } from '../systems/batching.ts'
import type { Connection } from '../systems/system.ts'
import { unaryConnection } from '../systems/unary.ts'
import { field, fieldBytes, putHead, RawClient, Reader } from '../wire.ts'
import { type Account, readerName } from './accounts.ts'

const service = '/chatroom.v1.ChatService'
export const sendMessage = `${service}/SendMessage`
const recipient = field(2, readerName)
/** The fields of a `SendMessageRequest` before and behind its recipient. */
export const requestFields = { requestId: 1, text: 3, recipient } as const

function request(payload: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(requestBytes(payload))
  putRequest(bytes, 0, payload)
  return bytes
}

/** A `SendMessagesRequest`, written in one go: what the load costs is missing to the replicas beside it. */
function requests(payloads: readonly Buffer[]): Buffer {
  const total = payloads.reduce((sum, payload) => sum + fieldBytes(requestBytes(payload)), 0)
  const bytes = Buffer.allocUnsafe(total)
  let at = 0
  for (const payload of payloads)
    at = putRequest(bytes, putHead(bytes, at, 1, requestBytes(payload)), payload)
  return bytes
}

function requestBytes(payload: Buffer): number {
  return fieldBytes(idBytes) + recipient.length + fieldBytes(payload.length)
}

/** Gives the place behind it. */
function putRequest(to: Buffer, at: number, payload: Buffer): number {
  let next = putHead(to, at, requestFields.requestId, idBytes)
  next += payload.copy(to, next, 0, idBytes)
  next += recipient.copy(to, next)
  next = putHead(to, next, requestFields.text, payload.length)
  return next + payload.copy(to, next)
}

/** A call a message, over frames of the bench's own: they cost a load less than grpc-js does. It does not connect again. */
export async function bareUnary(address: string, { token }: Pick<Account, 'token'>): Promise<Connection> {
  const metadata = new Map([['authorization', `Bearer ${token}`]])
  return unaryConnection(await UnaryCalls.open({ address, path: sendMessage, metadata }), request)
}

/** A call a message. It connects again after a failure. */
export function unarySender(address: string, account: Account): Connection & { ready(): Promise<void> } {
  const client = new RawClient(address)
  return {
    ready: () => client.ready(),
    async write(payload, timeoutMs) {
      await client.unary(sendMessage, request(payload), account.metadata, timeoutMs)
    },
    close: () => client.close(),
  }
}

/** One stream, many messages in each request. */
export function streamSender(address: string, account: Account): Connection & { ready(): Promise<void> } {
  const client = new RawClient(address)
  const stream = new BatchingStream({
    open: () => client.stream(`${service}/SendMessages`, account.metadata),
    encode: requests,
    decode: results,
  })
  return {
    ready: () => client.ready(),
    write: (payload) => stream.write(payload),
    close() {
      stream.close()
      client.close()
    },
  }
}

/** Looks only at which field each `SendResult` has; words are read when one failed. */
function results(response: Buffer): Answers {
  const reader = new Reader(response)
  let taken = 0
  while (reader.more) {
    reader.varint()
    if (hasError(reader.inside())) return { taken, failure: failureIn(response) }
    taken++
  }
  return { taken, failure: null }
}

function hasError(result: Reader): boolean {
  while (result.more) {
    const tag = result.varint()
    if (tag >> 3 === 3) return true
    result.skip(tag)
  }
  return false
}

function failureIn(response: Buffer): Error {
  for (const { result } of SendMessagesResponse.decode(response).results) {
    if (result?.$case !== 'error') continue
    const { reason, message } = readChatMessageError(result.value)
    return new Error(`${reason ?? 'no reason'}: ${message}`)
  }
  return new Error('a result without words')
}
