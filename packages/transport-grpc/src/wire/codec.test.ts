import { type Message, messageBytes } from '@chatroom/replica'
import type { Entry } from '@chatroom/replication-log'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hello, message, number } from '../../test/arbitrary-messages.ts'
import { TransportError } from '../errors.ts'
import { type Frame, LinkRequest, LinkResponse } from '../gen/chatroom/replica/v1/replica_service.ts'
import { decodeLinkRequest, decodeLinkResponse } from './decode.ts'
import { encodeFrame, encodeIntroduction } from './encode.ts'
import { roomBytes } from './grpc-framing.ts'
import { entryKindNumber, voteRefusalNumber } from './names.ts'
import { SharedEntries } from './shared-entries.ts'

const messages = fc.array(message, { maxLength: 8 })

function total(list: readonly Message[]): number {
  return list.reduce((sum, one) => sum + messageBytes(one), 0)
}

function wireOf(list: readonly Message[]): Buffer {
  return encodeFrame(list, total(list)).subarray(roomBytes)
}

function generatedEntries(entries: readonly Entry[]): object[] {
  return entries.map((entry) => ({ ...entry, kind: entryKindNumber(entry.kind) }))
}

/** The message as the generated code has it: the same names, with numbers for words. */
function generated(one: Message): object {
  const { type, ...rest } = one
  const value = {
    ...rest,
    ...('entries' in rest ? { entries: generatedEntries(rest.entries) } : {}),
    ...('refusal' in rest ? { refusal: voteRefusalNumber(rest.refusal) } : {}),
    ...('leader' in rest ? { leader: rest.leader ?? undefined } : {}),
    ...(type === 'append' ? { traces: one.traces ?? [] } : {}),
    ...('successor' in rest ? { successor: rest.successor ?? undefined } : {}),
  }
  return { body: { $case: type, value } }
}

function frameOf(bytes: Buffer): Frame {
  const { content } = LinkRequest.decode(bytes)
  if (content?.$case !== 'frame') throw new Error('not a frame')
  return content.value
}

/** Buffers and arrays of bytes as one type, so that only their content is compared. */
function plain(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_, item: unknown) => {
      if (item instanceof Uint8Array) return { bytes: Buffer.from(item).toString('hex') }
      if (typeof item === 'object' && item !== null && 'data' in item && Array.isArray(item.data)) {
        return { bytes: Buffer.from(item.data).toString('hex') }
      }
      return item
    }),
  )
}

describe('frames between replicas', () => {
  test('come back as they were sent', () => {
    fc.assert(
      fc.property(messages, (list) => {
        const content = decodeLinkRequest(wireOf(list))
        expect(content.type).toBe('frame')
        expect(plain(content)).toEqual(plain({ type: 'frame', messages: list }))
      }),
    )
  })

  test('are what the generated code reads, and byte for byte what it writes', () => {
    fc.assert(
      fc.property(messages, (list) => {
        const bytes = wireOf(list)
        const frame = frameOf(bytes)
        expect(plain(frame.messages)).toEqual(plain(list.map(generated)))
        const again = LinkRequest.encode({ content: { $case: 'frame', value: frame } }).finish()
        expect(Buffer.compare(bytes, again)).toBe(0)
      }),
    )
  })

  test('are the same bytes if their entries were encoded for another link, or others were', () => {
    fc.assert(
      fc.property(messages, (list) => {
        const shared = new SharedEntries()
        for (const each of [list, list, [...list].reverse(), list]) {
          const bytes = encodeFrame(each, total(each), shared).subarray(roomBytes)
          expect(Buffer.compare(bytes, wireOf(each))).toBe(0)
        }
      }),
    )
  })

  test('of as many other entries have those', () => {
    const shared = new SharedEntries()
    for (const index of [1, 2]) {
      const entry: Entry = { index, term: 1, time: 1, kind: 'command', payload: new Uint8Array([index]) }
      const append = {
        type: 'append',
        term: 1,
        previous: { index: index - 1, term: 1 },
        entries: [entry],
        commitIndex: 0,
        round: 0,
      } as const
      const bytes = encodeFrame([append], messageBytes(append), shared).subarray(roomBytes)
      expect(Buffer.compare(bytes, wireOf([append]))).toBe(0)
    }
  })

  test('take no more bytes than they count for', () => {
    fc.assert(
      fc.property(message, (one) => {
        expect(wireOf([one]).length).toBeLessThanOrEqual(messageBytes(one))
      }),
    )
  })

  test('refer to the payload instead of copying it', () => {
    const entry: Entry = { index: 1, term: 1, time: 1, kind: 'command', payload: new Uint8Array([1, 2, 3]) }
    const bytes = wireOf([
      {
        type: 'append',
        term: 1,
        previous: { index: 0, term: 0 },
        entries: [entry],
        commitIndex: 0,
        round: 0,
      },
    ])
    const content = decodeLinkRequest(bytes)
    if (content.type !== 'frame' || content.messages[0]?.type !== 'append') throw new Error('not an append')
    expect(content.messages[0].entries[0]?.payload.buffer).toBe(bytes.buffer)
  })
})

describe('introductions', () => {
  const introduction = fc.record({
    hello,
    to: fc.nat({ max: 6 }),
    attempt: number,
    listener: fc.record({ host: fc.string(), port: fc.nat({ max: 65_535 }) }),
  })

  test('come back as they were sent, as request and as response', () => {
    fc.assert(
      fc.property(introduction, (one) => {
        const bytes = encodeIntroduction(one).subarray(roomBytes)
        expect(decodeLinkRequest(bytes)).toEqual({ type: 'introduction', introduction: one })
        expect(decodeLinkResponse(bytes)).toEqual(one)
      }),
    )
  })

  test('are byte for byte what the generated code writes', () => {
    fc.assert(
      fc.property(introduction, (one) => {
        const bytes = encodeIntroduction(one).subarray(roomBytes)
        const read = LinkResponse.decode(bytes)
        expect(read.hello).toEqual({ ...one.hello, to: one.to, attempt: one.attempt, listener: one.listener })
        expect(Buffer.compare(bytes, LinkResponse.encode(read).finish())).toBe(0)
      }),
    )
  })
})

describe('bytes that are no message', () => {
  function codeOf(bytes: Uint8Array): string {
    try {
      decodeLinkRequest(bytes)
      return 'decoded'
    } catch (error) {
      return error instanceof TransportError ? error.code : String(error)
    }
  }

  test('never fail in another way than with `malformed message`', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(['decoded', 'malformed message']).toContain(codeOf(bytes))
      }),
      { numRuns: 2_000 },
    )
  })

  test('also when they once were one', () => {
    fc.assert(
      fc.property(
        fc.array(message, { minLength: 1, maxLength: 4 }),
        fc.nat(),
        fc.nat({ max: 255 }),
        (list, where, what) => {
          const bytes = Buffer.from(wireOf(list))
          bytes[where % bytes.length] = what
          expect(['decoded', 'malformed message']).toContain(codeOf(bytes))
        },
      ),
      { numRuns: 1_000 },
    )
  })

  test('a frame that was cut off anywhere is malformed', () => {
    fc.assert(
      fc.property(fc.array(message, { minLength: 1, maxLength: 4 }), fc.nat(), (list, where) => {
        const bytes = wireOf(list)
        expect(codeOf(bytes.subarray(0, where % bytes.length))).toBe('malformed message')
      }),
    )
  })

  const origin = { index: 0, term: 0 }
  const entry = { index: 1, term: 1, time: 1, kind: 1 as const, payload: new Uint8Array() }
  const append = { term: 2, previous: origin, entries: [entry], commitIndex: 0, round: 0, traces: [] }

  function request(
    value: Extract<Frame['messages'][number]['body'], { $case: 'append' }>['value'],
  ): Uint8Array {
    const frame = { messages: [{ body: { $case: 'append' as const, value } }] }
    return LinkRequest.encode({ content: { $case: 'frame', value: frame } }).finish()
  }

  test.each([
    ['nothing at all', new Uint8Array()],
    [
      'a message without a body',
      LinkRequest.encode({
        content: { $case: 'frame', value: { messages: [{ body: undefined }] } },
      }).finish(),
    ],
    ['append without previous', request({ ...append, previous: undefined })],
    ['a gap before the entries', request({ ...append, entries: [{ ...entry, index: 2 }] })],
    ['a gap between the entries', request({ ...append, entries: [entry, { ...entry, index: 3 }] })],
    ['a term that decreases', request({ ...append, entries: [entry, { ...entry, index: 2, term: 0 }] })],
    ['an entry of no kind', request({ ...append, entries: [{ ...entry, kind: 0 }] })],
    ['a number beyond 2^53 - 1', Buffer.from('120b0a090a0708ffffffffffffff7f', 'hex')],
    ['a body of a later version', Buffer.from('12040a027a00', 'hex')],
  ])('%s', (_, bytes) => {
    expect(codeOf(bytes)).toBe('malformed message')
  })

  test('a field of a later version is passed over', () => {
    const bytes = request(append)
    const later = Buffer.from('9a06021122', 'hex')
    expect(decodeLinkRequest(Buffer.concat([bytes, later]))).toEqual(decodeLinkRequest(bytes))
  })

  test('one inside an append too: so do older versions with the traces of entries', () => {
    // The append alone, its length and those of the message and of the frame around it, and a field 15 behind its own.
    const own = request(append).subarray(6)
    const inner = Buffer.concat([own, Buffer.from('7a021122', 'hex')])
    const around = [0x12, inner.length + 4, 0x0a, inner.length + 2, 0x0a, inner.length]
    const frame = Buffer.concat([Buffer.from(around), inner])
    expect(decodeLinkRequest(frame)).toEqual(decodeLinkRequest(request(append)))
  })

  test('a frame where a hello belongs', () => {
    expect(() => decodeLinkResponse(request(append))).toThrow('a response without a hello')
  })
})
