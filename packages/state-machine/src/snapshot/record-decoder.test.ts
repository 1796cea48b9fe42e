import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyText } from '../../test/any-text.ts'
import { SnapshotRecord } from '../gen/chatroom/state/v1/snapshot.ts'
import { decodeItems, decodeRecord } from './record-decoder.ts'

const number = fc.oneof(fc.integer({ min: 0, max: 300 }), fc.maxSafeNat())
const text = fc.oneof(
  anyText(60),
  fc.integer({ min: 1, max: 300 }).map((length) => 'x'.repeat(length)),
)
const message = fc.record({ id: number, sentAtMs: number, from: text, text }, { noNullPrototype: true })
const messages = fc.array(message, { maxLength: 4 })
const account = fc.record(
  { id: number, name: text, passwordHash: text, firstSequence: number, messages },
  { noNullPrototype: true },
)
const record: fc.Arbitrary<NonNullable<SnapshotRecord['record']>> = fc.oneof(
  fc
    .array(account, { maxLength: 4 })
    .map((accounts) => ({ $case: 'accounts' as const, value: { accounts } })),
  fc
    .record({ accountId: number, messages }, { noNullPrototype: true })
    .map((value) => ({ $case: 'mailbox' as const, value })),
)

/** 'refused' if it is no record. */
function ours(bytes: Uint8Array): unknown {
  try {
    return decodeRecord(bytes)
  } catch {
    return 'refused'
  }
}

function generated(bytes: Uint8Array): unknown {
  try {
    return SnapshotRecord.decode(bytes).record
  } catch {
    return 'refused'
  }
}

describe('records of accounts and messages', () => {
  it('are read as the generated code reads them', () => {
    fc.assert(
      fc.property(record, (some) => {
        expect(ours(SnapshotRecord.encode({ record: some }).finish())).toEqual(some)
      }),
      { numRuns: 500 },
    )
  })

  it('are read as the generated code reads them, whatever the bytes', () => {
    const changed = fc.tuple(record, fc.nat(), fc.nat({ max: 255 })).map(([some, at, byte]) => {
      const bytes = SnapshotRecord.encode({ record: some }).finish().slice()
      bytes[at % bytes.length] = byte
      return bytes
    })
    fc.assert(
      fc.property(changed, (bytes) => {
        expect(ours(bytes)).toEqual(generated(bytes))
      }),
      { numRuns: 5_000 },
    )
  })

  it('are read as the generated code reads them, where they are cut off', () => {
    fc.assert(
      fc.property(record, fc.nat(), (some, at) => {
        const bytes = SnapshotRecord.encode({ record: some }).finish()
        const cut = bytes.subarray(0, at % bytes.length)
        expect(ours(cut)).toEqual(generated(cut))
      }),
      { numRuns: 1_000 },
    )
  })

  it('are read without the generated code in the form that is written here', () => {
    const written: SnapshotRecord['record'] = {
      $case: 'accounts',
      value: {
        accounts: [
          {
            id: 300,
            name: 'grüße',
            passwordHash: 'x'.repeat(200),
            firstSequence: 2 ** 48,
            messages: [{ id: 1, sentAtMs: 1_700_000_000_000, from: 'ada', text: 'hello' }],
          },
        ],
      },
    }
    expect(decodeItems(SnapshotRecord.encode({ record: written }).finish())).toEqual(written)
    const mailbox: SnapshotRecord['record'] = {
      $case: 'mailbox',
      value: { accountId: 7, messages: [{ id: 1, sentAtMs: 2, from: '\ufeff', text: 'x'.repeat(1_000) }] },
    }
    expect(decodeItems(SnapshotRecord.encode({ record: mailbox }).finish())).toEqual(mailbox)
  })

  it('are read as the generated code reads them, in whatever order, how often and with what else their fields come', () => {
    const varint = (value: number, padding: number): number[] => {
      const bytes: number[] = []
      let rest = value
      for (; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80)
      if (padding === 0) return [...bytes, rest]
      return [...bytes, rest | 0x80, ...Array.from({ length: padding - 1 }, () => 0x80), 0]
    }
    const padding = fc.oneof({ weight: 8, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 3 }))
    const part = (tag: number, bytes: readonly number[], pad: number): number[] => [
      tag,
      ...varint(bytes.length, pad),
      ...bytes,
    ]
    const fields = (...made: fc.Arbitrary<number[]>[]): fc.Arbitrary<number[]> =>
      fc.array(fc.oneof(...made), { maxLength: 6 }).map((all) => all.flat())
    const numberField = (tag: number) =>
      fc.tuple(number, padding).map(([value, pad]) => [tag, ...varint(value, pad)])
    const textField = (tag: number) =>
      fc.tuple(anyText(10), padding).map(([value, pad]) => part(tag, [...Buffer.from(value)], pad))
    const messageField = (tag: number, inside: fc.Arbitrary<number[]>) =>
      fc.tuple(inside, padding).map(([bytes, pad]) => part(tag, bytes, pad))
    // Of wire types that these messages have not, and of numbers that they do not know.
    const strange: fc.Arbitrary<number[]> = fc.oneof(
      fc.constantFrom<number[][]>(
        [0x48, 0x01],
        [0x7a, 0x02, 0x61, 0x62],
        [0x0d, 1, 2, 3, 4],
        [0x88, 0x00, 0x05],
        [0x1b, 0x1c],
      ),
      fc.array(fc.nat({ max: 255 }), { maxLength: 3 }),
    )
    const rarely = (common: fc.Arbitrary<number[]>) =>
      fc.oneof({ weight: 12, arbitrary: common }, { weight: 1, arbitrary: strange })
    const messageBytes = fields(
      rarely(numberField(0x08)),
      numberField(0x10),
      textField(0x1a),
      textField(0x22),
    )
    const accountBytes = fields(
      rarely(numberField(0x08)),
      textField(0x12),
      textField(0x1a),
      numberField(0x20),
      messageField(0x2a, messageBytes),
    )
    const recordBytes = fc.oneof(
      messageField(0x12, fields(rarely(messageField(0x0a, accountBytes)))),
      messageField(0x1a, fields(rarely(numberField(0x08)), messageField(0x12, messageBytes))),
    )
    let withoutGenerated = 0
    fc.assert(
      fc.property(recordBytes, (bytes) => {
        const made = Uint8Array.from(bytes)
        if (decodeItems(made) !== undefined) withoutGenerated++
        expect(ours(made)).toEqual(generated(made))
      }),
      { numRuns: 3_000 },
    )
    expect(withoutGenerated).toBeGreaterThan(500)
  })
})
