import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  ErrorReason,
  type MessageError,
  SendMessageRequest,
  SendMessageResponse,
  SendMessagesRequest,
  SendMessagesResponse,
  type SendResult,
  SubscribeResponse,
} from '../gen/chatroom/v1/chat_service.ts'
import {
  DeliveryEncoder,
  decodeSendMessage,
  decodeSendMessages,
  decodeSendResults,
  encodeSendMessageResponse,
  encodeSendMessages,
  SendResultsEncoder,
} from './message-codecs.ts'

const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.string({ unit: 'binary-ascii', maxLength: 40 }),
  fc.constantFrom(
    '',
    '\ufeffmark',
    '\ufffd',
    'é'.repeat(20),
    'x'.repeat(127),
    'x'.repeat(128),
    '€'.repeat(6_000),
  ),
)
const request = fc.record(
  { requestId: text, to: text, text, traceparent: text },
  { requiredKeys: ['requestId', 'to', 'text'] },
)
const requests = fc.record({ messages: fc.array(request, { maxLength: 5 }) })
const error = fc.record({
  code: fc.nat(20),
  message: text,
  detail: fc.constant({
    reason: ErrorReason.ERROR_REASON_OVERLOADED,
    leaderAddress: 'a:1',
    leaderTerm: 7,
    retryAfterMs: 50,
  }),
})
const result: fc.Arbitrary<SendResult['result']> = fc.oneof(
  text.map((value) => ({ $case: 'messageId' as const, value })),
  error.map((value) => ({ $case: 'error' as const, value })),
  fc.constant(undefined),
)
const responses = fc.record({
  results: fc.array(fc.record({ requestId: text, result, recipientOnline: fc.boolean() }), { maxLength: 5 }),
})
const deliveries = fc.record({
  messages: fc.array(
    fc.record({
      sequence: fc.maxSafeNat(),
      messageId: fc.maxSafeNat().map(String),
      from: text,
      text,
      sentAtMs: fc.maxSafeNat(),
    }),
    { maxLength: 5 },
  ),
  caughtUp: fc.option(fc.record({ lastSequence: fc.maxSafeNat() }), { nil: undefined }),
})

/** With the texts somewhere in a block of bytes, as a mailbox has them. */
function encodeDelivery({ messages, caughtUp }: SubscribeResponse): Buffer {
  const encoder = new DeliveryEncoder(0, 0)
  for (const { sequence, messageId, from, text, sentAtMs } of messages) {
    const block = Buffer.from(`some${from}${text}more`)
    const [fromBytes, textBytes] = [Buffer.byteLength(from), Buffer.byteLength(text)]
    encoder.message(sequence, Number(messageId), sentAtMs, block, 4, fromBytes, textBytes)
    expect(encoder.last).toBe(sequence)
  }
  return encoder.finish(caughtUp)
}

interface Became {
  readonly requestId: string
  readonly outcome: number | MessageError
  readonly recipientOnline: boolean
}
const outcomes: fc.Arbitrary<Became[]> = fc.array(
  fc.record({ requestId: text, outcome: fc.oneof(fc.maxSafeNat(), error), recipientOnline: fc.boolean() }),
  { maxLength: 5 },
)

/** With the encoder, and with the generated code. */
function encodeResults(became: readonly Became[]): [Buffer, Uint8Array] {
  const encoder = new SendResultsEncoder(1)
  const results = became.map(({ requestId, outcome, recipientOnline }): SendResult => {
    if (typeof outcome === 'number') {
      encoder.sent(requestId, outcome, recipientOnline)
      return { requestId, result: { $case: 'messageId', value: String(outcome) }, recipientOnline }
    }
    encoder.failed(requestId, outcome)
    return { requestId, result: { $case: 'error', value: outcome }, recipientOnline: false }
  })
  return [encoder.finish(), SendMessagesResponse.encode({ results }).finish()]
}

/** Compared as a whole: a difference in a long text is nothing to read. */
const same = (ours: Buffer, generated: Uint8Array): boolean => ours.equals(generated)

describe('a message that is sent by itself', () => {
  test('is read as the generated code writes it, and answered as it would', () => {
    fc.assert(
      fc.property(request, text, fc.boolean(), (message, messageId, recipientOnline) => {
        expect(decodeSendMessage(SendMessageRequest.encode(message).finish())).toEqual(message)
        const answer = encodeSendMessageResponse({ messageId, recipientOnline })
        expect(same(answer, SendMessageResponse.encode({ messageId, recipientOnline }).finish())).toBe(true)
      }),
    )
  })

  test('is refused where it is no UTF-8, ends too early or is something else', () => {
    const whole = Buffer.from(SendMessageRequest.encode({ requestId: 'r', to: 'bob', text: 'hi' }).finish())
    const broken = Buffer.from(whole)
    broken[whole.indexOf('bob')] = 0xff
    for (const bytes of [broken, whole.subarray(0, -1), Buffer.from([0x0a, 0x7f]), Buffer.from([0x0f])])
      expect(() => decodeSendMessage(bytes)).toThrow(expect.objectContaining({ code: 'malformed message' }))
  })
})

describe('what the streams carry', () => {
  test('is written as the generated code writes it, and read back the same', () => {
    fc.assert(
      fc.property(requests, responses, outcomes, deliveries, (request, response, became, delivery) => {
        const bytes = encodeSendMessages(request)
        expect(same(bytes, SendMessagesRequest.encode(request).finish())).toBe(true)
        expect(decodeSendMessages(bytes)).toEqual(request)
        expect(decodeSendResults(SendMessagesResponse.encode(response).finish())).toEqual(response)
        expect(same(...encodeResults(became))).toBe(true)
        expect(same(encodeDelivery(delivery), SubscribeResponse.encode(delivery).finish())).toBe(true)
      }),
    )
  })

  test('is refused where it is no UTF-8, ends too early or is something else', () => {
    const frame = encodeSendMessages({ messages: [{ requestId: 'r', to: 'bob', text: 'hi' }] })
    const broken = Buffer.from(frame)
    broken[frame.indexOf('bob')] = 0xff
    for (const bytes of [broken, frame.subarray(0, -1), Buffer.from([0x0a, 0x7f]), Buffer.from([0x0f])])
      expect(() => decodeSendMessages(bytes)).toThrow(expect.objectContaining({ code: 'malformed message' }))
  })

  test('may have fields that a later version adds', () => {
    const later = Buffer.concat([encodeSendMessages({ messages: [] }), Buffer.from([0x50, 0x01])])
    expect(decodeSendMessages(later)).toEqual({ messages: [] })
  })
})
