import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyText } from '../../test/any-text.ts'
import { Arena } from './arena.ts'
import { appendMessage, clearMailbox, openMailbox, readMessages, removeMessages } from './mailbox.ts'
import { MailboxFields, mailboxFieldBytes } from './mailbox-fields.ts'
import type { StoredMessage } from './message-block.ts'
import { MessageCursor } from './message-cursor.ts'

function message(id: number, text: string, from = 'alice'): StoredMessage {
  return { id, from, text, bytes: Buffer.byteLength(text), sentAt: 1_700_000_000_000 + id }
}

function open(arena: Arena): MailboxFields {
  const row = arena.allocate(mailboxFieldBytes)
  arena.bytesOf(row).fill(0, arena.offsetOf(row), arena.offsetOf(row) + mailboxFieldBytes)
  return new MailboxFields(arena, row, 0)
}

function rest(cursor: MessageCursor): StoredMessage[] {
  const found: StoredMessage[] = []
  for (let next = cursor.next(); next !== undefined; next = cursor.next()) found.push(next)
  return found
}

const text = fc.oneof(
  anyText(40, 1),
  fc.integer({ min: 1, max: 70_000 }).map((length) => 'x'.repeat(length)),
)

describe('a mailbox', () => {
  it('is an array of messages whose front goes, and a cursor keeps what it saw', () => {
    const step = fc.record({
      append: fc.array(text, { maxLength: 12 }),
      remove: fc.nat(14),
      cursor: fc.boolean(),
      after: fc.nat(60),
      limit: fc.nat(10),
      maxBytes: fc.oneof(fc.nat(200), fc.nat(100_000)),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), fc.integer({ min: 1, max: 2 ** 40 }), (steps, first) => {
        const arena = new Arena()
        const mailbox = open(arena)
        openMailbox(mailbox, first)
        let id = 0
        let waiting: StoredMessage[] = []
        const cursors: { readonly cursor: MessageCursor; readonly messages: StoredMessage[] }[] = []
        // As during a snapshot: what cursors saw stays.
        arena.hold()
        for (const { append, remove, cursor, after, limit, maxBytes } of steps) {
          for (const some of append) {
            const added = message(++id, some, `sender ${id % 3}`)
            expect(appendMessage(arena, mailbox, added)).toBe(mailbox.next - 1)
            waiting.push(added)
          }
          if (cursor) cursors.push({ cursor: new MessageCursor(arena, mailbox), messages: [...waiting] })
          removeMessages(arena, mailbox, mailbox.first + remove - 1)
          waiting = waiting.slice(remove)
          expect(mailbox.next - mailbox.first).toBe(waiting.length)
          expect(mailbox.bytes).toBe(waiting.reduce((sum, { bytes }) => sum + bytes, 0))

          const sequence = mailbox.first - 5 + after
          const found = readMessages(arena, mailbox, sequence, limit, maxBytes)
          const skipped = Math.max(0, sequence + 1 - mailbox.first)
          const wanted = waiting.slice(skipped).slice(0, limit)
          let bytes = 0
          const fitting = wanted.filter((some, i) => {
            bytes += some.bytes
            return i === 0 || bytes <= maxBytes
          })
          expect(found.map(({ messageId }) => Number(messageId))).toEqual(fitting.map((some) => some.id))
          expect(found.map((some) => some.sequence)).toEqual(
            fitting.map((_, i) => mailbox.first + skipped + i),
          )
        }
        for (const { cursor, messages } of cursors) expect(rest(cursor)).toEqual(messages)
      }),
    )
  })

  it('gives its memory back as it is read, and all of it when it is cleared', () => {
    const arena = new Arena()
    const mailbox = open(arena)
    const empty = arena.size
    for (let i = 1; i <= 20_000; i++) appendMessage(arena, mailbox, message(i, 'x'.repeat(100)))
    const full = arena.size
    expect(full).toBeGreaterThan(2_600_000)
    // Blocks are filled, and there is one slab, mostly empty, for each shorter length.
    expect(full).toBeLessThan(2_600_000 + 10 * 65_536)
    removeMessages(arena, mailbox, 15_000)
    expect(arena.size).toBeLessThan(full / 2)
    clearMailbox(arena, mailbox)
    for (let i = 0; i < 100; i++) arena.free(arena.allocate(32))
    // One slab is kept for each length of block.
    expect(arena.size - empty).toBeLessThan(15 * 65_536)
  })

  it('takes little for a single message', () => {
    const arena = new Arena()
    const before = arena.size
    for (let i = 0; i < 10_000; i++) appendMessage(arena, open(arena), message(i, 'x'.repeat(100)))
    expect((arena.size - before) / 10_000).toBeLessThan(230)
  })

  it('is found at its end without a walk through all that waits', () => {
    const arena = new Arena()
    const mailbox = open(arena)
    for (let i = 1; i <= 5_000; i++) appendMessage(arena, mailbox, message(i, 'x'.repeat(100)))
    const cursor = new MessageCursor(arena, mailbox)
    cursor.skipTo(4_999)
    expect(cursor.next()?.id).toBe(4_999)
    cursor.skipTo(4_990)
    expect(rest(cursor).map(({ id }) => id)).toEqual([5_000])
    cursor.skipTo(9_999)
    expect(cursor.next()).toBeUndefined()
    const middle = new MessageCursor(arena, mailbox)
    middle.skipTo(2_500)
    expect(middle.next()?.id).toBe(2_500)
    middle.skipTo(1)
    expect(middle.next()?.id).toBe(2_501)
  })
})
