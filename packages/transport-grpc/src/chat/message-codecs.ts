import type {
  SendMessageRequest,
  SendMessageResponse,
  SendMessagesRequest,
  SendMessagesResponse,
  SendResult,
} from '../gen/chatroom/v1/chat_service.ts'
import { CaughtUp, MessageError } from '../gen/chatroom/v1/chat_service.ts'
import { ProtobufReader } from '../wire/protobuf-reader.ts'
import { ProtobufWriter } from '../wire/protobuf-writer.ts'

// What there is thousands of a second of: messages that are sent, one by one or on a stream, and delivered. The generated code makes several objects and copies for each; here
// it is written to one buffer, with the same bytes as a result (a test holds them together), and read more strictly: a text that is not UTF-8 throws.

const inVarint = (field: number): number => field << 3
const inBytes = (field: number): number => (field << 3) | 2

/** Bytes of a message beside its texts, at most. */
const overheadBytes = 64
/** And of one that is delivered, beside its sender and its text, about. */
const deliveryHeadBytes = 24

/** Throws a `TransportError` 'malformed message'. */
export function decodeSendMessage(bytes: Uint8Array): SendMessageRequest {
  return readMessage(new ProtobufReader(bytes))
}

export function encodeSendMessageResponse({ messageId, recipientOnline }: SendMessageResponse): Buffer {
  const w = new ProtobufWriter(overheadBytes, 0)
  w.text(1, messageId)
  w.bool(2, recipientOnline)
  return w.finish()
}

/** Throws a `TransportError` 'malformed message'. */
export function decodeSendMessages(bytes: Uint8Array): SendMessagesRequest {
  return { messages: readAll(bytes, readMessage) }
}

/** A message whose field 1 is a list of others, with whatever a later version adds. */
function readAll<Item>(bytes: Uint8Array, read: (r: ProtobufReader) => Item): Item[] {
  const r = new ProtobufReader(bytes)
  const items: Item[] = []
  for (let tag = r.tag(); tag !== 0; tag = r.tag()) {
    if (tag !== inBytes(1)) {
      r.skip(tag)
      continue
    }
    const outer = r.enter()
    items.push(read(r))
    r.leave(outer)
  }
  return items
}

function readMessage(r: ProtobufReader): SendMessageRequest {
  let requestId = ''
  let to = ''
  let text = ''
  let traceparent: string | undefined
  for (let tag = r.tag(); tag !== 0; tag = r.tag()) {
    if (tag === inBytes(1)) requestId = r.text()
    else if (tag === inBytes(2)) to = r.text()
    else if (tag === inBytes(3)) text = r.text()
    else if (tag === inBytes(4)) traceparent = r.text()
    else r.skip(tag)
  }
  return traceparent === undefined ? { requestId, to, text } : { requestId, to, text, traceparent }
}

export function encodeSendMessages({ messages }: SendMessagesRequest): Buffer {
  let bytes = 0
  for (const { requestId, to, text } of messages)
    bytes += overheadBytes + 3 * (requestId.length + to.length) + text.length
  const w = new ProtobufWriter(bytes, 0)
  for (const { requestId, to, text, traceparent } of messages) {
    w.open(1)
    w.text(1, requestId)
    w.text(2, to)
    w.text(3, text)
    if (traceparent !== undefined) w.presentText(4, traceparent)
    w.close()
  }
  return w.finish()
}

/** Encodes a `SendMessagesResponse` as the results become known. */
export class SendResultsEncoder {
  readonly #writer: ProtobufWriter

  /** `results`: how many are expected. */
  constructor(results: number) {
    this.#writer = new ProtobufWriter(results * 2 * overheadBytes, 0)
  }

  sent(requestId: string, messageId: number, recipientOnline: boolean): void {
    const w = this.#writer
    w.open(1)
    w.text(1, requestId)
    w.decimal(2, messageId)
    w.bool(4, recipientOnline)
    w.close()
  }

  failed(requestId: string, error: MessageError): void {
    const w = this.#writer
    w.open(1)
    w.text(1, requestId)
    w.presentBytes(3, MessageError.encode(error).finish())
    w.close()
  }

  /** The whole message. The encoder must not be used afterwards. */
  finish(): Buffer {
    return this.#writer.finish()
  }
}

export function decodeSendResults(bytes: Uint8Array): SendMessagesResponse {
  return { results: readAll(bytes, readResult) }
}

function readResult(r: ProtobufReader): SendResult {
  let requestId = ''
  let result: SendResult['result']
  let recipientOnline = false
  for (let tag = r.tag(); tag !== 0; tag = r.tag()) {
    if (tag === inBytes(1)) requestId = r.text()
    else if (tag === inBytes(2)) result = { $case: 'messageId', value: r.text() }
    else if (tag === inBytes(3)) result = { $case: 'error', value: MessageError.decode(r.bytes()) }
    else if (tag === inVarint(4)) recipientOnline = r.bool()
    else r.skip(tag)
  }
  return { requestId, result, recipientOnline }
}

/**
 * Encodes a `SubscribeResponse` from messages as they lie in a mailbox: it is a `MessageSink` of the state machine. Most of what a leader sends is such messages, which need
 * not become texts and objects on their way.
 */
export class DeliveryEncoder {
  readonly #writer: ProtobufWriter
  #last = 0

  /** What is expected: so many messages, with texts of so many bytes together. */
  constructor(messages: number, textBytes: number) {
    this.#writer = new ProtobufWriter(Math.ceil((messages + 1) * overheadBytes + textBytes), 0)
  }

  /** Sequence number of the last message; 0 if there is none. */
  get last(): number {
    return this.#last
  }

  /** In the order of their sequence numbers. `from` lies in `bytes` at `fromAt`, and the text right behind it, both in UTF-8. */
  message(
    sequence: number,
    id: number,
    sentAtMs: number,
    bytes: Uint8Array,
    fromAt: number,
    fromBytes: number,
    textBytes: number,
  ): void {
    const w = this.#writer
    w.open(1, deliveryHeadBytes + fromBytes + textBytes)
    w.uint(1, sequence)
    w.decimal(2, id)
    w.utf8(3, bytes, fromAt, fromBytes)
    w.utf8(4, bytes, fromAt + fromBytes, textBytes)
    w.uint(5, sentAtMs)
    w.close()
    this.#last = sequence
  }

  /** The whole message. The encoder must not be used afterwards. */
  finish(caughtUp?: CaughtUp): Buffer {
    if (caughtUp !== undefined) this.#writer.presentBytes(2, CaughtUp.encode(caughtUp).finish())
    return this.#writer.finish()
  }
}
