import { describe, expect, it } from 'vitest'
import { containing, Driver, start, verdict } from './driver.ts'

describe('send', () => {
  it('puts the message into the mailbox, under the log index and the logged time', () => {
    const driver = new Driver()
    const alice = driver.login('alice')
    const bob = driver.create('bob')
    driver.time += 5
    expect(driver.send(alice, 'bob', 'hi bob')).toEqual({
      ok: true,
      type: 'send',
      messageId: 4,
      recipientOnline: false,
    })
    expect(driver.send(alice, 'bob', 'how are you?')).toMatchObject({ messageId: 5 })
    const mailbox = driver.chat.mailbox(bob)
    expect(mailbox.read(0, 10, 1_000)).toEqual([
      { sequence: 1, messageId: '4', from: 'alice', text: 'hi bob', sentAtMs: start + 5 },
      { sequence: 2, messageId: '5', from: 'alice', text: 'how are you?', sentAtMs: start + 5 },
    ])
    expect([mailbox.lastSequence, mailbox.waiting, mailbox.bytes]).toEqual([2, 2, 18])
  })

  it('is applied alike whether it was decoded or made', () => {
    const driver = new Driver()
    const alice = driver.login('alice')
    const bob = driver.create('bob')
    const command = { type: 'send', sessionId: alice, requestId: 'r', to: 'bob', text: 'grüße' } as const
    const at = { index: ++driver.index, term: 1, time: driver.time }
    const reply = driver.chat.apply(command, at)
    expect(reply).toMatchObject({ ok: true, messageId: at.index })
    expect(driver.apply(command)).toEqual(reply)
    expect(driver.chat.mailbox(bob).read(0, 10, 1_000)).toMatchObject([{ text: 'grüße' }])
  })

  it('tells whether the recipient has a session at that moment, by the logged time', () => {
    const driver = new Driver()
    const alice = driver.login('alice', { idleTimeoutMs: 600_000 })
    const bob = driver.login('bob', { idleTimeoutMs: 60_000 })
    expect(driver.send(alice, 'bob')).toMatchObject({ messageId: 5, recipientOnline: true })
    driver.time += 59_999
    expect(driver.send(alice, 'bob')).toMatchObject({ recipientOnline: true })
    // His session is over although no `expire` has ended it yet.
    driver.time += 1
    expect(driver.send(alice, 'bob')).toMatchObject({ recipientOnline: false })
    expect(verdict(driver.apply({ type: 'touch', sessionId: bob }))).toBe('session expired')
    driver.login('bob')
    expect(driver.send(alice, 'bob')).toMatchObject({ recipientOnline: true })
  })

  it('to nobody or to oneself is refused', () => {
    const driver = new Driver()
    const alice = driver.login('alice')
    expect(driver.send(alice, 'bo\u0007b')).toMatchObject({
      reason: 'unknown recipient',
      message: 'There is no account named "bo\\u0007b". Check the name; the list shows all.',
    })
    expect(driver.send(alice, 'x'.repeat(10_000))).toMatchObject({
      message: containing('xxx"…. Check the name'),
    })
    expect(verdict(driver.send(alice, 'alice'))).toBe('send to self')
    expect(verdict(driver.send(alice, ''))).toBe('unknown recipient')
  })

  it.each([
    ['', 'r', 'invalid text'],
    ['x'.repeat(65_537), 'r', 'invalid text'],
    ['€'.repeat(21_846), 'r', 'invalid text'],
    ['hi', '', 'invalid request id'],
    ['hi', '€'.repeat(22), 'invalid request id'],
  ])('refuses a text and a request id beyond the bounds without a trace', (text, requestId, reason) => {
    const driver = new Driver()
    const alice = driver.login('alice')
    driver.create('bob')
    const before = driver.chat.hash()
    expect(verdict(driver.send(alice, 'bob', text, requestId))).toBe(reason)
    expect(driver.chat.hash()).toBe(before)
  })

  it('is refused at the bound on messages, until some are acknowledged', () => {
    const driver = new Driver({ mailboxMessages: 2 })
    const alice = driver.login('alice')
    const bob = driver.login('bob')
    driver.send(alice, 'bob', '1')
    driver.send(alice, 'bob', '2')
    expect(driver.send(alice, 'bob', '3', 'third')).toMatchObject({
      reason: 'mailbox full',
      message: containing('"bob"'),
    })
    driver.apply({ type: 'acknowledge', sessionId: bob, requestId: 'a', upToSequence: 1 })
    expect(verdict(driver.send(alice, 'bob', '3', 'third'))).toBe('mailbox full')
    expect(verdict(driver.send(alice, 'bob', '3'))).toBe('ok')
    expect(driver.texts('bob')).toEqual(['2', '3'])
  })

  it('is refused at the bound on bytes, counted in UTF-8', () => {
    const driver = new Driver({ mailboxBytes: 10 })
    const alice = driver.login('alice')
    driver.create('bob')
    expect(verdict(driver.send(alice, 'bob', '€€'))).toBe('ok')
    expect(verdict(driver.send(alice, 'bob', 'ü€'))).toBe('mailbox full')
    expect(verdict(driver.send(alice, 'bob', 'üü'))).toBe('ok')
    expect(verdict(driver.send(alice, 'bob', 'x'))).toBe('mailbox full')
  })

  it('is refused at the bounds on all mailboxes together', () => {
    const few = new Driver({ waitingMessages: 2 })
    const alice = few.login('alice')
    few.create('bob')
    few.create('carol')
    few.send(alice, 'bob')
    few.send(alice, 'carol')
    expect(few.send(alice, 'bob')).toMatchObject({
      reason: 'limit reached',
      message: containing('messages'),
    })
    const short = new Driver({ waitingBytes: 7 })
    const dave = short.login('dave')
    short.create('bob')
    short.send(dave, 'bob', 'hello')
    expect(verdict(short.send(dave, 'bob', 'abc'))).toBe('limit reached')
    expect(verdict(short.send(dave, 'bob', 'ab'))).toBe('ok')
  })
})

describe('acknowledge', () => {
  it('removes the message and all before it, and tells how many are left', () => {
    const driver = new Driver()
    const alice = driver.login('alice')
    const bob = driver.login('bob')
    for (const text of ['1', '2', '3', '4', '5']) driver.send(alice, 'bob', text)
    const acknowledge = (upToSequence: number, requestId: string): object =>
      driver.apply({ type: 'acknowledge', sessionId: bob, requestId, upToSequence })
    expect(acknowledge(2, 'a')).toEqual({ ok: true, type: 'acknowledge', waiting: 3 })
    expect(driver.texts('bob')).toEqual(['3', '4', '5'])
    expect(acknowledge(1, 'b')).toMatchObject({ waiting: 3 })
    expect(acknowledge(0, 'c')).toMatchObject({ waiting: 3 })
    expect(acknowledge(5, 'd')).toMatchObject({ waiting: 0 })
    expect(driver.chat.counts()).toMatchObject({ waitingMessages: 0, waitingBytes: 0 })
    expect(acknowledge(6, 'e')).toMatchObject({
      reason: 'invalid argument',
      message: containing('beyond the last'),
    })
    driver.send(alice, 'bob', '6')
    expect(driver.chat.mailbox(driver.chat.account('bob')?.accountId ?? 0).lastSequence).toBe(6)
  })

  it('of a mailbox that nothing ever came to', () => {
    const driver = new Driver()
    const bob = driver.login('bob')
    expect(
      driver.apply({ type: 'acknowledge', sessionId: bob, requestId: 'a', upToSequence: 0 }),
    ).toMatchObject({ waiting: 0 })
    expect(
      verdict(driver.apply({ type: 'acknowledge', sessionId: bob, requestId: 'b', upToSequence: 1 })),
    ).toBe('invalid argument')
  })

  it('answers a retry as the first try, although more has come', () => {
    const driver = new Driver()
    const alice = driver.login('alice')
    const bob = driver.login('bob')
    driver.send(alice, 'bob', '1')
    const command = { type: 'acknowledge', sessionId: bob, requestId: 'a', upToSequence: 1 } as const
    driver.apply(command)
    driver.send(alice, 'bob', '2')
    expect(driver.apply(command)).toMatchObject({ waiting: 0 })
    expect(driver.texts('bob')).toEqual(['2'])
    expect(verdict(driver.apply({ ...command, upToSequence: 2 }))).toBe('request id reused')
    expect(driver.texts('bob')).toEqual(['2'])
  })
})

describe('a mailbox', () => {
  it('is read from any place, in pieces', () => {
    const driver = new Driver()
    const alice = driver.login('alice')
    const bob = driver.login('bob')
    for (let i = 1; i <= 9; i++) driver.send(alice, 'bob', `text ${i}`)
    const mailbox = driver.chat.mailbox(driver.chat.account('bob')?.accountId ?? 0)
    const sequences = (after: number, limit: number, bytes: number): number[] =>
      mailbox.read(after, limit, bytes).map(({ sequence }) => sequence)
    expect(sequences(0, 3, 1_000)).toEqual([1, 2, 3])
    expect(sequences(3, 3, 1_000)).toEqual([4, 5, 6])
    expect(sequences(0, 100, 13)).toEqual([1, 2])
    expect(sequences(0, 100, 12)).toEqual([1, 2])
    expect(sequences(0, 100, 11)).toEqual([1])
    // One message is never too long to be read.
    expect(sequences(0, 100, 1)).toEqual([1])
    expect(sequences(0, 0, 100)).toEqual([])
    expect(sequences(9, 100, 100)).toEqual([])
    expect(sequences(50, 100, 100)).toEqual([])
    driver.apply({ type: 'acknowledge', sessionId: bob, requestId: 'a', upToSequence: 5 })
    expect(sequences(0, 100, 1_000)).toEqual([6, 7, 8, 9])
    expect(sequences(2, 100, 1_000)).toEqual([6, 7, 8, 9])
    expect(sequences(7, 100, 1_000)).toEqual([8, 9])
  })

  it('holds and gives back a hundred thousand messages', () => {
    const driver = new Driver({ mailboxMessages: 100_000 })
    const alice = driver.login('alice', { idleTimeoutMs: 24 * 60 * 60 * 1_000 })
    const bob = driver.login('bob', { idleTimeoutMs: 24 * 60 * 60 * 1_000 })
    for (let i = 1; i <= 100_000; i++) driver.send(alice, 'bob', `${i}`)
    expect(verdict(driver.send(alice, 'bob', 'one more'))).toBe('mailbox full')
    const mailbox = driver.chat.mailbox(driver.chat.account('bob')?.accountId ?? 0)
    for (let sequence = 0; sequence < 100_000; sequence += 500) {
      const page = mailbox.read(sequence, 500, Infinity)
      expect([page[0]?.text, page.at(-1)?.text, page.length]).toEqual([
        `${sequence + 1}`,
        `${sequence + 500}`,
        500,
      ])
      driver.apply({
        type: 'acknowledge',
        sessionId: bob,
        requestId: driver.requestId(),
        upToSequence: sequence + 500,
      })
    }
    expect(mailbox.waiting).toBe(0)
    expect(mailbox.lastSequence).toBe(100_000)
  })

  it('of nobody is empty', () => {
    const mailbox = new Driver().chat.mailbox(12_345)
    expect([mailbox.lastSequence, mailbox.waiting, mailbox.bytes, mailbox.read(0, 10, 10)]).toEqual([
      0,
      0,
      0,
      [],
    ])
  })
})
