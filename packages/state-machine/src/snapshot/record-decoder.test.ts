import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyText } from '../../test/any-text.ts'
import { SnapshotRecord } from '../gen/chatroom/state/v1/snapshot.ts'
import { decodeRecord } from './record-decoder.ts'

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
})
