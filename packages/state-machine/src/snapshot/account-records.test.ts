import { isDeepStrictEqual } from 'node:util'
import { BinaryWriter } from '@bufbuild/protobuf/wire'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyText } from '../../test/any-text.ts'
import { SnapshotRecord } from '../gen/chatroom/state/v1/snapshot.ts'
import { defaultLimits } from '../limits.ts'
import { ChatState } from '../state/chat-state.ts'
import { Observers } from '../state/observers.ts'
import { utf8Length } from '../text/utf8.ts'
import { accountRecords } from './account-records.ts'
import { RecordStream } from './record-stream.ts'

interface Message {
  readonly id: number
  readonly from: string
  readonly text: string
  readonly sentAt: number
}

interface Given {
  readonly passwordHash: string
  readonly messages: readonly Message[]
}

/** No longer record is made of items that are shorter than this. */
const longestRecord = 2 * 32 * 1_024 + 10_000

function number(): fc.Arbitrary<number> {
  return fc.oneof(fc.integer({ min: 0, max: 300 }), fc.maxSafeNat())
}

function text(): fc.Arbitrary<string> {
  const long = fc.integer({ min: 100, max: 3_000 }).map((length) => 'x'.repeat(length))
  return fc.oneof(anyText(200), long)
}

const message: fc.Arbitrary<Message> = fc.record(
  { id: number(), from: anyText(40), text: text(), sentAt: number() },
  { noNullPrototype: true },
)
const mailbox: fc.Arbitrary<Message[]> = fc.oneof(
  { weight: 5, arbitrary: fc.array(message, { maxLength: 4 }) },
  { weight: 1, arbitrary: fc.array(message, { minLength: 40, maxLength: 60, size: 'max' }) },
)
const given: fc.Arbitrary<Given> = fc.record(
  { passwordHash: text(), messages: mailbox },
  { noNullPrototype: true },
)

function stateOf(accounts: readonly Given[]): ChatState {
  const state = new ChatState(defaultLimits, new Observers())
  for (const [at, { passwordHash, messages }] of accounts.entries()) {
    const account = state.accounts.add(at * 1_000 + 1, `n${String(at).padStart(5, '0')}é`, passwordHash)
    for (const each of messages) state.accounts.deliver(account, { ...each, bytes: utf8Length(each.text) })
  }
  state.index = Number.MAX_SAFE_INTEGER
  return state
}

/** Each as it is framed, and decoded by the generated code. */
function recordsOf(state: ChatState): { frames: Uint8Array[]; records: SnapshotRecord[]; count: object } {
  const count = { accounts: 0, messages: 0 }
  state.beginSnapshot()
  const frames = Array.from(accountRecords(state.accounts, count), (record) => record.slice())
  state.endSnapshot()
  const records = frames.flatMap((frame) => [...new RecordStream().take(frame)])
  return { frames, records: records.map((record) => SnapshotRecord.decode(record)), count }
}

/** What the records say there is, in the form in which it was given. */
function contentOf(records: readonly SnapshotRecord[]): Map<number, Given> {
  const found = new Map<number, { passwordHash: string; messages: Message[] }>()
  for (const { record } of records) {
    if (record?.$case === 'accounts')
      for (const { id, passwordHash, messages } of record.value.accounts)
        found.set(id, {
          passwordHash,
          messages: messages.map(({ sentAtMs, ...rest }) => ({ ...rest, sentAt: sentAtMs })),
        })
    if (record?.$case === 'mailbox')
      for (const { sentAtMs, ...rest } of record.value.messages)
        found.get(record.value.accountId)?.messages.push({ ...rest, sentAt: sentAtMs })
  }
  return found
}

describe('records of accounts', () => {
  it('are byte for byte what the generated code makes of the same accounts, and none is long', () => {
    fc.assert(
      fc.property(fc.array(given, { maxLength: 40 }), (accounts) => {
        const { frames, records, count } = recordsOf(stateOf(accounts))
        const again = records.map((record) =>
          SnapshotRecord.encode(record, new BinaryWriter().fork()).join().finish(),
        )
        expect(Buffer.concat(frames).equals(Buffer.concat(again))).toBe(true)
        for (const frame of frames) expect(frame.length).toBeLessThan(longestRecord)
        const expected = new Map(accounts.map((each, at) => [at * 1_000 + 1, each]))
        expect(isDeepStrictEqual(contentOf(records), expected)).toBe(true)
        expect(count).toEqual({
          accounts: accounts.length,
          messages: accounts.reduce((sum, { messages }) => sum + messages.length, 0),
        })
      }),
      // Large states are slow to make smaller, and the seed brings them back.
      { numRuns: 40, endOnFailure: true },
    )
  })

  it('take many small accounts together', () => {
    const { records } = recordsOf(
      stateOf(Array.from({ length: 2_000 }, () => ({ passwordHash: '', messages: [] }))),
    )
    const sizes = records.map(({ record }) =>
      record?.$case === 'accounts' ? record.value.accounts.length : 0,
    )
    expect(sizes).toEqual([512, 512, 512, 464])
  })
})
