import { describe, expect, it } from 'vitest'
import { containing, Driver, verdict } from './driver.ts'

const hour = 60 * 60 * 1_000

describe('a request that is tried again', () => {
  it('is answered as before and does nothing', () => {
    const driver = new Driver()
    const alice = driver.login('alice')
    driver.create('bob')
    const first = driver.send(alice, 'bob', 'once', 'r')
    const before = driver.chat.hash()
    expect(driver.chat.answeredAgain).toBe(0)
    expect(driver.send(alice, 'bob', 'once', 'r')).toEqual(first)
    expect(driver.chat.answeredAgain).toBe(1)
    expect(driver.chat.hash()).toBe(before)
    expect(driver.texts('bob')).toEqual(['once'])
  })

  it('tells of the recipient what was true at the first try, also after a restart', () => {
    const driver = new Driver()
    const alice = driver.login('alice')
    driver.create('bob')
    const absent = driver.send(alice, 'bob', 'one', 'r1')
    const bob = driver.login('bob')
    const present = driver.send(alice, 'bob', 'two', 'r2')
    expect(absent).toMatchObject({ recipientOnline: false })
    expect(present).toMatchObject({ recipientOnline: true })
    driver.apply({ type: 'logout', sessionId: bob, requestId: 'out' })
    driver.restart()
    expect(driver.send(alice, 'bob', 'one', 'r1')).toEqual(absent)
    expect(driver.send(alice, 'bob', 'two', 'r2')).toEqual(present)
  })

  it('is answered as before, in the same words, if it was refused', () => {
    const driver = new Driver()
    const alice = driver.login('alice')
    const first = driver.send(alice, 'bob', 'hello', 'r')
    expect(verdict(first)).toBe('unknown recipient')
    driver.create('bob')
    expect(driver.send(alice, 'bob', 'hello', 'r')).toEqual(first)
    expect(driver.texts('bob')).toEqual([])
  })

  it('with another content is refused and does nothing', () => {
    const driver = new Driver()
    const alice = driver.login('alice')
    driver.create('bob')
    driver.create('carol')
    driver.send(alice, 'bob', 'hello', 'r')
    const before = driver.chat.hash()
    expect(driver.send(alice, 'bob', 'hello!', 'r')).toMatchObject({
      reason: 'request id reused',
      message: containing('"r"'),
    })
    expect(verdict(driver.send(alice, 'carol', 'hello', 'r'))).toBe('request id reused')
    expect(verdict(driver.apply({ type: 'logout', sessionId: alice, requestId: 'r' }))).toBe(
      'request id reused',
    )
    expect(
      verdict(driver.apply({ type: 'acknowledge', sessionId: alice, requestId: 'r', upToSequence: 0 })),
    ).toBe('request id reused')
    expect(
      verdict(
        driver.apply({ type: 'deleteAccount', sessionId: alice, requestId: 'r', confirmName: 'alice' }),
      ),
    ).toBe('request id reused')
    expect(driver.chat.hash()).toBe(before)
  })

  it('under the id of another session is a request of its own', () => {
    const driver = new Driver()
    const alice = driver.login('alice')
    const bob = driver.login('bob')
    driver.create('carol')
    driver.send(alice, 'carol', 'from alice', 'r')
    driver.send(bob, 'carol', 'from bob', 'r')
    expect(driver.texts('carol')).toEqual(['from alice', 'from bob'])
  })

  it.each([
    ['logout', 'logged out'],
    ['takeover', 'session taken over'],
    ['expiry', 'session expired'],
    ['deletion', 'account deleted'],
  ])('is answered as before although the session ended by %s', (how, reason) => {
    const driver = new Driver()
    const alice = driver.login('alice')
    driver.create('bob')
    const first = driver.send(alice, 'bob', 'once', 'r')
    if (how === 'logout') driver.apply({ type: 'logout', sessionId: alice, requestId: 'out' })
    if (how === 'takeover') driver.login('alice', { takeover: true })
    if (how === 'expiry') driver.time += 60_000
    if (how === 'deletion')
      driver.apply({ type: 'deleteAccount', sessionId: alice, requestId: 'd', confirmName: 'alice' })
    expect(driver.send(alice, 'bob', 'once', 'r')).toEqual(first)
    expect(verdict(driver.send(alice, 'bob', 'another', 'r'))).toBe('request id reused')
    expect(verdict(driver.send(alice, 'bob', 'new', 'r2'))).toBe(reason)
    expect(driver.texts('bob')).toEqual(['once'])
  })

  it('is answered as before by a restored chat', () => {
    const driver = new Driver()
    const alice = driver.login('alice')
    driver.create('bob')
    const first = driver.send(alice, 'bob', 'once', 'r')
    driver.restart()
    expect(driver.send(alice, 'bob', 'once', 'r')).toEqual(first)
    driver.apply({ type: 'logout', sessionId: alice, requestId: 'out' })
    driver.restart()
    expect(driver.send(alice, 'bob', 'once', 'r')).toEqual(first)
    expect(driver.texts('bob')).toEqual(['once'])
  })
})

describe('what is remembered of replies', () => {
  it('ends after its time', () => {
    const driver = new Driver()
    const alice = driver.login('alice', { idleTimeoutMs: hour })
    driver.create('bob')
    driver.send(alice, 'bob', 'text', 'r')
    driver.time += driver.chat.limits.rememberReplyMs - 1
    driver.send(alice, 'bob', 'text', 'r')
    expect(driver.texts('bob')).toEqual(['text'])
    driver.time += 1
    driver.send(alice, 'bob', 'text', 'r')
    expect(driver.texts('bob')).toEqual(['text', 'text'])
    driver.send(alice, 'bob', 'text', 'r')
    expect(driver.texts('bob')).toEqual(['text', 'text'])
  })

  it('is the newest of a session', () => {
    const driver = new Driver({ repliesPerSession: 3 })
    const alice = driver.login('alice')
    driver.create('bob')
    for (const id of ['1', '2', '3', '4']) driver.send(alice, 'bob', id, id)
    driver.send(alice, 'bob', '2', '2')
    expect(driver.texts('bob')).toEqual(['1', '2', '3', '4'])
    driver.send(alice, 'bob', '1', '1')
    expect(driver.texts('bob')).toEqual(['1', '2', '3', '4', '1'])
  })

  it('is a thousand replies of a session by default', () => {
    const driver = new Driver()
    const alice = driver.login('alice')
    driver.create('bob')
    for (let i = 0; i < 5_000; i++) driver.send(alice, 'bob', 'text', `r${i}`)
    const before = driver.chat.hash()
    for (let i = 5_000 - 1_024; i < 5_000; i++) driver.send(alice, 'bob', 'text', `r${i}`)
    expect(driver.chat.hash()).toBe(before)
    expect(driver.texts('bob').length).toBe(5_000)
  })

  it('is bounded over all sessions: the one whose newest reply is the oldest gives up its oldest', () => {
    const driver = new Driver({ sessionReplies: 4 })
    const alice = driver.login('alice')
    const bob = driver.login('bob')
    driver.create('carol')
    const remembered = (): number => driver.chat.counts().rememberedReplies - 5
    driver.send(alice, 'carol', 'a1', 'a1')
    driver.send(alice, 'carol', 'a2', 'a2')
    driver.send(bob, 'carol', 'b1', 'b1')
    driver.send(bob, 'carol', 'b2', 'b2')
    expect(remembered()).toBe(4)
    driver.send(alice, 'carol', 'a3', 'a3')
    // Bob's newest reply is older than Alice's: his first was given up.
    driver.send(alice, 'carol', 'a1', 'a1')
    expect(remembered()).toBe(4)
    driver.send(bob, 'carol', 'b1', 'b1')
    expect(driver.texts('carol')).toEqual(['a1', 'a2', 'b1', 'b2', 'a3', 'b1'])
    driver.send(bob, 'carol', 'b3', 'b3')
    driver.send(bob, 'carol', 'b4', 'b4')
    driver.send(bob, 'carol', 'b5', 'b5')
    // Nothing of Alice's is left.
    expect(remembered()).toBe(4)
    driver.send(alice, 'carol', 'a3', 'a3')
    expect(driver.texts('carol').filter((text) => text === 'a3')).toHaveLength(2)
  })

  it('is bounded over all ended sessions: the one that ended first gives up all', () => {
    const driver = new Driver({ endedSessionReplies: 4 })
    driver.create('carol')
    const sessions = ['alice', 'bob', 'dave'].map((name) => {
      const sessionId = driver.login(name)
      driver.send(sessionId, 'carol', name, 'r')
      driver.apply({ type: 'logout', sessionId, requestId: 'out' })
      return sessionId
    })
    const [alice = 0, bob = 0, dave = 0] = sessions
    expect(verdict(driver.send(alice, 'carol', 'alice', 'r'))).toBe('logged out')
    expect(verdict(driver.send(bob, 'carol', 'bob', 'r'))).toBe('ok')
    expect(verdict(driver.send(dave, 'carol', 'dave', 'r'))).toBe('ok')
    expect(driver.texts('carol')).toEqual(['alice', 'bob', 'dave'])
  })
})
