import { describe, expect, it } from 'vitest'
import { Chat, type Command, type Observer, type ReplyOf } from '../src/index.ts'
import { isReplyTo } from '../src/reply.ts'
import { containing, Driver, start, tokenHash } from './driver.ts'

describe('a chat', () => {
  it('refuses an entry that does not follow the last one', () => {
    const chat = new Chat()
    chat.apply({ type: 'expire' }, { index: 7, term: 1, time: start })
    for (const index of [7, 6, 0]) {
      expect(() => chat.apply({ type: 'expire' }, { index, term: 1, time: start })).toThrow(
        expect.objectContaining({ name: 'StateMachineError', code: 'impossible entry' }),
      )
    }
    // Entries of other kinds lie between.
    expect(chat.apply({ type: 'expire' }, { index: 9, term: 1, time: start }).ok).toBe(true)
  })

  it.each([0, -1, 1.5, Number.NaN, Infinity])('refuses %d as a limit', (limit) => {
    expect(() => new Chat({ accounts: limit })).toThrow(
      expect.objectContaining({ code: 'invalid limits', message: containing('accounts') }),
    )
  })

  it('narrows a reply by its command', () => {
    const command: Command & { type: 'touch' } = { type: 'touch', sessionId: 1 }
    const refused: ReplyOf<typeof command> = { ok: false, reason: 'not logged in', message: '' }
    expect(isReplyTo(command, refused)).toBe(true)
    expect(isReplyTo(command, { ok: true, type: 'touch' })).toBe(true)
    expect(isReplyTo(command, { ok: true, type: 'logout' })).toBe(false)
  })
})

describe('hash', () => {
  it('is the same for one state that came about in two ways', () => {
    const [straight, roundabout] = [new Driver(), new Driver()]
    const alice = [straight, roundabout].map((driver) => driver.login('alice'))[0] ?? 0
    for (const driver of [straight, roundabout]) {
      driver.create('bob')
      driver.send(alice, 'bob')
    }
    // One goes through a snapshot, in which things lie in another order, and through entries that change nothing.
    roundabout.restart()
    roundabout.apply({ type: 'expire' })
    roundabout.apply({ type: 'touch', sessionId: alice })
    roundabout.restart()
    expect(roundabout.chat.hash()).toBe(straight.chat.hash())
  })

  it.each<[string, (driver: Driver, alice: number) => void]>([
    ['an account', (driver) => driver.create('dave')],
    ['a message', (driver, alice) => driver.send(alice, 'bob')],
    [
      'an acknowledgement',
      (driver) =>
        driver.apply({
          type: 'acknowledge',
          sessionId: driver.login('bob'),
          requestId: 'a',
          upToSequence: 1,
        }),
    ],
    ['a session', (driver) => driver.login('bob')],
    ['activity', (driver, sessionId) => driver.apply({ type: 'touch', sessionId })],
    [
      'the end of a session',
      (driver, sessionId) => driver.apply({ type: 'logout', sessionId, requestId: 'out' }),
    ],
    ['a remembered reply', (driver, alice) => driver.send(alice, 'nobody')],
    [
      'a reply to somebody without a session',
      (driver) => driver.apply({ type: 'createAccount', requestId: 'x', name: 'bob', passwordHash: 'h' }),
    ],
  ])('changes with %s', (_, change) => {
    const driver = new Driver()
    const alice = driver.login('alice')
    driver.create('bob')
    driver.send(alice, 'bob')
    driver.time += 10
    const before = driver.chat.hash()
    change(driver, alice)
    expect(driver.chat.hash()).not.toBe(before)
    expect(driver.chat.hash()).toMatch(/^[0-9a-f]{16}$/)
  })

  it('does not change when nothing does', () => {
    const driver = new Driver()
    driver.login('alice')
    const before = driver.chat.hash()
    driver.apply({ type: 'expire' })
    driver.apply({ type: 'touch', sessionId: 999 })
    driver.chat.list('', '', 10)
    driver.chat.nextExpiry()
    expect(driver.chat.hash()).toBe(before)
  })
})

describe('an observer', () => {
  function listen(driver: Driver): { heard: unknown[]; stop: () => void } {
    const heard: unknown[] = []
    const stop = driver.chat.observe({
      messageArrived: (accountId, sequence) => heard.push([accountId, sequence]),
      sessionEnded: (sessionId, reason) => heard.push([sessionId, reason]),
    })
    return { heard, stop }
  }

  it('hears of messages and of the ends of sessions, until it stops', () => {
    const driver = new Driver()
    const { heard, stop } = listen(driver)
    const alice = driver.login('alice')
    const bob = driver.create('bob')
    driver.send(alice, 'bob', 'one', 'r')
    driver.send(alice, 'bob', 'one', 'r')
    driver.send(alice, 'nobody')
    driver.send(alice, 'bob', 'two')
    const second = driver.login('alice', { takeover: true })
    driver.time += 60_000
    driver.apply({ type: 'touch', sessionId: second })
    expect(heard).toEqual([
      [bob, 1],
      [bob, 2],
      [alice, 'session taken over'],
      [second, 'session expired'],
    ])
    stop()
    driver.send(driver.login('alice'), 'bob')
    expect(heard.length).toBe(4)
  })

  it('sees the state after the entry', () => {
    const driver = new Driver()
    const alice = driver.login('alice', { token: tokenHash(4) })
    const bob = driver.create('bob')
    const seen: unknown[] = []
    driver.chat.observe({
      messageArrived: (accountId) => seen.push(driver.chat.mailbox(accountId).waiting),
      sessionEnded: () => seen.push(driver.chat.account('alice'), driver.chat.session(tokenHash(4))),
    })
    driver.send(alice, 'bob')
    driver.apply({ type: 'deleteAccount', sessionId: alice, requestId: 'd', confirmName: 'alice' })
    expect(seen).toEqual([1, undefined, expect.objectContaining({ ended: 'account deleted' })])
    expect(driver.chat.mailbox(bob).waiting).toBe(1)
  })

  it('cannot disturb the chat, nor another observer', () => {
    const driver = new Driver()
    const broken: Observer = {
      messageArrived: () => {
        throw new Error('broken')
      },
      sessionEnded: () => {
        throw new Error('broken')
      },
    }
    driver.chat.observe(broken)
    const { heard } = listen(driver)
    const alice = driver.login('alice')
    driver.create('bob')
    expect(driver.send(alice, 'bob').ok).toBe(true)
    expect(driver.apply({ type: 'logout', sessionId: alice, requestId: 'out' }).ok).toBe(true)
    expect(heard.length).toBe(2)
  })
})
