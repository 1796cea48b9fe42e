import { describe, expect, it } from 'vitest'
import type { Login } from '../src/index.ts'
import { containing, Driver, start, tokenHash, verdict } from './driver.ts'

function loginOf(driver: Driver, part: Partial<Login> = {}): Login {
  return {
    type: 'login',
    requestId: 'login',
    name: 'alice',
    accountId: driver.chat.account('alice')?.accountId ?? driver.create('alice'),
    tokenHash: tokenHash(1),
    takeover: false,
    idleTimeoutMs: 60_000,
    lifetimeMs: 0,
    ...part,
  }
}

describe('login', () => {
  it('opens a session that its token finds', () => {
    const driver = new Driver()
    const command = loginOf(driver)
    const accountId = command.accountId
    expect(driver.apply(command)).toEqual({
      ok: true,
      type: 'login',
      sessionId: 2,
      accountId,
      name: 'alice',
      idleTimeoutMs: 60_000,
      waiting: 0,
    })
    expect(driver.chat.session(tokenHash(1))).toEqual({
      sessionId: 2,
      accountId,
      name: 'alice',
      lastActive: start,
      idleTimeoutMs: 60_000,
    })
    expect(driver.chat.session(tokenHash(2))).toBeUndefined()
  })

  it('opens a session that is found by the text of its hash, too', () => {
    const driver = new Driver()
    const hash = Uint8Array.from({ length: 32 }, (_, at) => at * 8)
    driver.apply({ ...loginOf(driver), tokenHash: hash })
    expect(driver.chat.session(Buffer.from(hash).toString('latin1'))).toEqual(driver.chat.session(hash))
    expect(driver.chat.session(hash)).toMatchObject({ sessionId: 2 })
    expect(driver.chat.session('no hash')).toBeUndefined()
  })

  it('tells how many messages wait', () => {
    const driver = new Driver()
    const bob = driver.login('bob')
    driver.create('alice')
    driver.send(bob, 'alice')
    driver.send(bob, 'alice')
    expect(driver.apply(loginOf(driver))).toMatchObject({ waiting: 2 })
  })

  it('is refused if the account is not the one whose password was checked', () => {
    const driver = new Driver()
    const command = loginOf(driver)
    expect(verdict(driver.apply({ ...command, accountId: command.accountId + 1 }))).toBe('wrong credentials')
    expect(verdict(driver.apply({ ...command, requestId: 'r2', name: 'nobody' }))).toBe('wrong credentials')
  })

  it('is refused while the account has another session', () => {
    const driver = new Driver()
    driver.apply(loginOf(driver))
    const second = loginOf(driver, { requestId: 'second', tokenHash: tokenHash(2) })
    expect(driver.apply(second)).toMatchObject({
      reason: 'logged in elsewhere',
      message: containing('"alice"'),
    })
    expect(driver.chat.session(tokenHash(1))).toMatchObject({ sessionId: 2 })
    expect(driver.chat.session(tokenHash(2))).toBeUndefined()
  })

  it('ends the other session with takeover', () => {
    const driver = new Driver()
    driver.apply(loginOf(driver))
    const accountId = driver.chat.account('alice')?.accountId
    driver.apply(loginOf(driver, { requestId: 'second', tokenHash: tokenHash(2), takeover: true }))
    expect(driver.chat.session(tokenHash(1))).toEqual({
      ended: 'session taken over',
      sessionId: 2,
      accountId,
    })
    expect(driver.chat.session(tokenHash(2))).toMatchObject({ sessionId: 3 })
    expect(verdict(driver.apply({ type: 'touch', sessionId: 2 }))).toBe('session taken over')
    expect(driver.chat.counts()).toMatchObject({ sessions: 1, endedSessions: 1 })
  })

  it('needs no takeover of a session whose time has come', () => {
    const driver = new Driver()
    driver.apply(loginOf(driver))
    driver.time += 60_000
    expect(verdict(driver.apply(loginOf(driver, { requestId: 'second', tokenHash: tokenHash(2) })))).toBe(
      'ok',
    )
    expect(driver.chat.session(tokenHash(1))).toMatchObject({ ended: 'session expired' })
  })

  it('gives a retry the same session and only the new token', () => {
    const driver = new Driver()
    const first = driver.apply(loginOf(driver))
    const retry = driver.apply(loginOf(driver, { tokenHash: tokenHash(2) }))
    expect(retry).toEqual(first)
    expect(driver.chat.session(tokenHash(1))).toBeUndefined()
    expect(driver.chat.session(tokenHash(2))).toMatchObject({ sessionId: 2 })
    expect(driver.apply(loginOf(driver, { tokenHash: tokenHash(2) }))).toEqual(first)
    expect(driver.chat.counts().sessions).toBe(1)
  })

  it('tells a retry how its session ended instead of opening another', () => {
    const driver = new Driver()
    const command = loginOf(driver)
    driver.apply(command)
    driver.apply(loginOf(driver, { requestId: 'second', tokenHash: tokenHash(2), takeover: true }))
    expect(verdict(driver.apply({ ...command, tokenHash: tokenHash(3) }))).toBe('session taken over')
    expect(driver.chat.session(tokenHash(2))).toMatchObject({ sessionId: 3 })
    expect(driver.chat.session(tokenHash(3))).toBeUndefined()
  })

  it('tells a retry that its session is forgotten, if so', () => {
    const driver = new Driver({ endedSessions: 1 })
    const sessionId = 2
    driver.apply(loginOf(driver))
    driver.apply({ type: 'logout', sessionId, requestId: 'out' })
    driver.apply({ type: 'logout', sessionId: driver.login('bob'), requestId: 'out' })
    expect(verdict(driver.apply(loginOf(driver, { tokenHash: tokenHash(3) })))).toBe('not logged in')
  })

  it('refuses a request id that was used for another login, or for making the account', () => {
    const driver = new Driver()
    driver.apply({ type: 'createAccount', requestId: 'create', name: 'alice', passwordHash: 'h' })
    driver.apply(loginOf(driver))
    for (const part of [{ takeover: true }, { idleTimeoutMs: 1 }, { requestId: 'create' }]) {
      const before = driver.chat.hash()
      expect(verdict(driver.apply(loginOf(driver, { tokenHash: tokenHash(2), ...part })))).toBe(
        'request id reused',
      )
      expect(driver.chat.hash()).toBe(before)
    }
  })

  it('answers the retry of a refused login as refused', () => {
    const driver = new Driver()
    driver.apply(loginOf(driver))
    const second = loginOf(driver, { requestId: 'second', tokenHash: tokenHash(2) })
    driver.apply(second)
    driver.apply({ type: 'logout', sessionId: 2, requestId: 'out' })
    expect(verdict(driver.apply(second))).toBe('logged in elsewhere')
    expect(verdict(driver.apply({ ...second, requestId: 'third' }))).toBe('ok')
  })

  it('refuses a token that opens another session, or did', () => {
    const driver = new Driver()
    driver.login('bob', { token: tokenHash(1) })
    expect(verdict(driver.apply(loginOf(driver)))).toBe('invalid argument')
    const carol = driver.login('carol', { token: tokenHash(2) })
    driver.apply({ type: 'logout', sessionId: carol, requestId: 'out' })
    expect(verdict(driver.apply(loginOf(driver, { tokenHash: tokenHash(2) })))).toBe('invalid argument')
    // Nothing was remembered of it: with a token of its own the same request opens a session.
    expect(verdict(driver.apply(loginOf(driver, { tokenHash: tokenHash(3) })))).toBe('ok')
  })

  it.each([
    [{ tokenHash: new Uint8Array(31) }, 'invalid argument'],
    [{ idleTimeoutMs: 0 }, 'invalid argument'],
    [{ idleTimeoutMs: 24 * 60 * 60 * 1_000 + 1 }, 'invalid argument'],
    [{ requestId: '' }, 'invalid request id'],
  ])('refuses %j without a trace', (part, reason) => {
    const driver = new Driver()
    const command = loginOf(driver, part)
    const before = driver.chat.hash()
    expect(verdict(driver.apply(command))).toBe(reason)
    expect(driver.chat.hash()).toBe(before)
  })

  it('stops at the bound on sessions, but lets an account take over its own', () => {
    const driver = new Driver({ sessions: 1 })
    driver.apply(loginOf(driver))
    driver.create('bob')
    const bob = {
      name: 'bob',
      accountId: driver.chat.account('bob')?.accountId ?? 0,
      tokenHash: tokenHash(2),
    }
    expect(driver.apply(loginOf(driver, bob))).toMatchObject({
      reason: 'limit reached',
      message: containing('sessions'),
    })
    const takeover = loginOf(driver, { requestId: 'second', tokenHash: tokenHash(3), takeover: true })
    expect(verdict(driver.apply(takeover))).toBe('ok')
  })
})

describe('logout', () => {
  it('ends the session', () => {
    const driver = new Driver()
    const token = tokenHash(9)
    const sessionId = driver.login('alice', { token })
    expect(driver.apply({ type: 'logout', sessionId, requestId: 'out' })).toEqual({
      ok: true,
      type: 'logout',
    })
    expect(driver.chat.session(token)).toMatchObject({ ended: 'logged out' })
    expect(verdict(driver.send(sessionId, 'bob'))).toBe('logged out')
    expect(driver.chat.counts().sessions).toBe(0)
  })

  it('is answered again on a retry, and only on a retry', () => {
    const driver = new Driver()
    const sessionId = driver.login('alice')
    driver.apply({ type: 'logout', sessionId, requestId: 'out' })
    expect(verdict(driver.apply({ type: 'logout', sessionId, requestId: 'out' }))).toBe('ok')
    expect(verdict(driver.apply({ type: 'logout', sessionId, requestId: 'again' }))).toBe('logged out')
    expect(verdict(driver.apply({ type: 'send', sessionId, requestId: 'out', to: 'bob', text: 't' }))).toBe(
      'request id reused',
    )
  })

  it('of an unknown session is refused', () => {
    const driver = new Driver()
    expect(driver.apply({ type: 'logout', sessionId: 77, requestId: 'out' })).toMatchObject({
      reason: 'not logged in',
      message: containing('Log in again'),
    })
  })
})

describe('a session that is idle', () => {
  it('ends at its timeout, by the time in the log', () => {
    const driver = new Driver()
    const sessionId = driver.login('alice', { idleTimeoutMs: 1_000 })
    driver.time += 999
    expect(verdict(driver.apply({ type: 'touch', sessionId }))).toBe('ok')
    driver.time += 1_000
    expect(verdict(driver.apply({ type: 'touch', sessionId }))).toBe('session expired')
  })

  it.each(['send', 'touch', 'refused send', 'deleteAccount'])('is kept alive by %s', (what) => {
    const driver = new Driver()
    driver.create('bob')
    const sessionId = driver.login('alice', { idleTimeoutMs: 1_000 })
    driver.time += 900
    if (what === 'send') driver.send(sessionId, 'bob')
    if (what === 'refused send') driver.send(sessionId, 'nobody')
    if (what === 'touch') driver.apply({ type: 'touch', sessionId })
    if (what === 'deleteAccount')
      driver.apply({ type: 'deleteAccount', sessionId, requestId: 'd', confirmName: 'no' })
    driver.time += 900
    driver.apply({ type: 'expire' })
    expect(driver.chat.counts().sessions).toBe(1)
  })

  it.each(['acknowledge', 'a retry'])('is not kept alive by %s', (what) => {
    const driver = new Driver()
    driver.create('bob')
    const sessionId = driver.login('alice', { idleTimeoutMs: 1_000 })
    driver.send(sessionId, 'bob', 'hello', 'r')
    driver.time += 900
    if (what === 'acknowledge')
      driver.apply({ type: 'acknowledge', sessionId, requestId: 'a', upToSequence: 0 })
    else driver.send(sessionId, 'bob', 'hello', 'r')
    driver.time += 100
    driver.apply({ type: 'expire' })
    expect(driver.chat.counts().sessions).toBe(0)
  })

  it('is not ended by a clock that goes back', () => {
    const driver = new Driver()
    const sessionId = driver.login('alice', { idleTimeoutMs: 1_000 })
    driver.time -= 5_000
    driver.apply({ type: 'touch', sessionId })
    driver.time += 5_999
    expect(verdict(driver.apply({ type: 'touch', sessionId }))).toBe('ok')
  })
})

describe('a session with a lifetime', () => {
  const lifetimeMs = 1_000

  it('ends when it is over, however active the session is, and never before', () => {
    const driver = new Driver()
    const sessionId = driver.login('alice', { lifetimeMs })
    for (let active = 0; active < 9; active++) {
      driver.time += 100
      expect(verdict(driver.apply({ type: 'touch', sessionId }))).toBe('ok')
    }
    driver.time += 99
    expect(verdict(driver.send(sessionId, 'nobody'))).toBe('unknown recipient')
    driver.time += 1
    expect(verdict(driver.send(sessionId, 'nobody'))).toBe('session expired')
  })

  it('ends earlier if it is idle for too long', () => {
    const driver = new Driver()
    driver.login('alice', { lifetimeMs, idleTimeoutMs: 300 })
    expect(driver.chat.nextExpiry()).toBe(start + 300)
  })

  it('is ended by housekeeping at the replicas, also after a snapshot', () => {
    const driver = new Driver()
    driver.login('alice', { lifetimeMs })
    driver.restart()
    driver.time += 500
    driver.apply({ type: 'touch', sessionId: driver.index })
    driver.restart()
    expect(driver.chat.nextExpiry()).toBe(start + lifetimeMs)
    driver.time = start + lifetimeMs - 1
    expect(driver.apply({ type: 'expire' })).toMatchObject({ ended: 0 })
    driver.time++
    expect(driver.apply({ type: 'expire' })).toMatchObject({ ended: 1 })
  })

  it('is not lengthened by the retry of its login, whatever lifetime the leader of the retry gives', () => {
    const driver = new Driver()
    driver.apply(loginOf(driver, { lifetimeMs }))
    driver.time += 600
    expect(driver.apply(loginOf(driver, { tokenHash: tokenHash(2), lifetimeMs: 5_000 }))).toMatchObject({
      ok: true,
      sessionId: 2,
    })
    driver.time += 400
    expect(verdict(driver.apply({ type: 'touch', sessionId: 2 }))).toBe('session expired')
  })

  it('makes another state than a session without', () => {
    const hashes = [0, lifetimeMs, lifetimeMs + 1].map((lifetime) => {
      const driver = new Driver()
      driver.login('alice', { lifetimeMs: lifetime, token: tokenHash(1) })
      return driver.chat.hash()
    })
    expect(new Set(hashes).size).toBe(3)
  })

  it('may be as long as a number can be', () => {
    const driver = new Driver()
    const sessionId = driver.login('alice', { lifetimeMs: Number.MAX_SAFE_INTEGER })
    driver.restart()
    expect(verdict(driver.apply({ type: 'touch', sessionId }))).toBe('ok')
  })
})

describe('expire', () => {
  it('ends whose time has come, those due first first, so many at a time', () => {
    const driver = new Driver({ expirePerEntry: 2 })
    const ended: number[] = []
    const sessions = [300, 100, 200, 900].map((idleTimeoutMs, i) =>
      driver.login(`user${i}`, { idleTimeoutMs }),
    )
    driver.chat.observe({ messageArrived: () => {}, sessionEnded: (sessionId) => ended.push(sessionId) })
    expect(driver.chat.nextExpiry()).toBe(start + 100)
    driver.time += 99
    expect(driver.apply({ type: 'expire' })).toEqual({ ok: true, type: 'expire', ended: 0 })
    driver.time += 500
    expect(driver.apply({ type: 'expire' })).toMatchObject({ ended: 2 })
    expect(driver.chat.nextExpiry()).toBe(start + 300)
    expect(driver.apply({ type: 'expire' })).toMatchObject({ ended: 1 })
    expect(driver.chat.nextExpiry()).toBe(start + 900)
    expect(ended).toEqual([sessions[1], sessions[2], sessions[0]])
  })

  it('has nothing to do in an empty chat', () => {
    const driver = new Driver()
    expect(driver.chat.nextExpiry()).toBeNull()
    expect(driver.apply({ type: 'expire' })).toEqual({ ok: true, type: 'expire', ended: 0 })
  })

  it('forgets in the end all that is not waiting for anybody', () => {
    const driver = new Driver({ expirePerEntry: 1 })
    for (const name of ['alice', 'bob', 'carol']) driver.send(driver.login(name), 'nobody')
    driver.login('dave', { idleTimeoutMs: 24 * 60 * 60 * 1_000 })
    driver.send(driver.index, 'nobody')
    let entries = 0
    for (let due = driver.chat.nextExpiry(); due !== null; due = driver.chat.nextExpiry()) {
      driver.time = Math.max(driver.time, due)
      driver.apply({ type: 'expire' })
      expect(++entries).toBeLessThan(100)
    }
    expect(driver.chat.counts()).toEqual({
      accounts: 4,
      sessions: 0,
      endedSessions: 0,
      waitingMessages: 0,
      waitingBytes: 0,
      rememberedReplies: 0,
    })
  })

  it('forgets the replies of a live session that sends no more', () => {
    const driver = new Driver()
    const sessionId = driver.login('alice', { idleTimeoutMs: 60 * 60_000 })
    driver.time += 1_000
    driver.send(sessionId, 'nobody', 'hello', 'r')
    driver.time += driver.chat.limits.rememberReplyMs
    expect(driver.chat.nextExpiry()).toBeLessThanOrEqual(driver.time)
    driver.apply({ type: 'expire' })
    expect(driver.chat.counts()).toMatchObject({ sessions: 1, rememberedReplies: 0 })
  })

  it('forgets how a session ended after a day', () => {
    const driver = new Driver()
    const token = tokenHash(5)
    const sessionId = driver.login('alice', { token })
    driver.apply({ type: 'logout', sessionId, requestId: 'out' })
    driver.time += driver.chat.limits.rememberEndMs - 1
    driver.apply({ type: 'expire' })
    expect(driver.chat.session(token)).toMatchObject({ ended: 'logged out' })
    driver.time += 1
    driver.apply({ type: 'expire' })
    expect(driver.chat.session(token)).toBeUndefined()
    expect(verdict(driver.apply({ type: 'touch', sessionId }))).toBe('not logged in')
  })
})
