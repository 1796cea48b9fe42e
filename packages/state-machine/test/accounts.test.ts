import { describe, expect, it } from 'vitest'
import { containing, Driver, tokenHash, verdict } from './driver.ts'

const create = { type: 'createAccount', passwordHash: 'hash' } as const

describe('createAccount', () => {
  it('makes an account whose id is the log index', () => {
    const driver = new Driver()
    expect(driver.apply({ ...create, requestId: 'r', name: 'alice' })).toEqual({
      ok: true,
      type: 'createAccount',
      accountId: 1,
      name: 'alice',
    })
    expect(driver.chat.account('alice')).toEqual({
      accountId: 1,
      name: 'alice',
      passwordHash: 'hash',
      locked: false,
    })
    expect(driver.chat.account('bob')).toBeUndefined()
  })

  it('refuses a name that is taken', () => {
    const driver = new Driver()
    driver.create('alice')
    const reply = driver.apply({ ...create, requestId: 'other', name: 'alice' })
    expect(reply).toEqual({
      ok: false,
      reason: 'name taken',
      message: 'There is an account named "alice" already. Choose another name.',
    })
    expect(driver.chat.counts().accounts).toBe(1)
  })

  it('tells names apart by their case', () => {
    const driver = new Driver()
    driver.create('alice')
    driver.create('Alice')
    expect(driver.chat.list('', '', 10)).toEqual(['Alice', 'alice'])
  })

  it('answers a retry as the first try, although the salt makes another hash', () => {
    const driver = new Driver()
    const first = driver.apply({ ...create, requestId: 'r', name: 'alice', passwordHash: 'salted one way' })
    const before = driver.chat.hash()
    expect(
      driver.apply({ ...create, requestId: 'r', name: 'alice', passwordHash: 'salted another' }),
    ).toEqual(first)
    expect(driver.chat.hash()).toBe(before)
    expect(driver.chat.account('alice')?.passwordHash).toBe('salted one way')
  })

  it('answers the retry of a refused one as refused, although the name is free by now', () => {
    const driver = new Driver()
    const sessionId = driver.login('alice')
    expect(verdict(driver.apply({ ...create, requestId: 'r', name: 'alice' }))).toBe('name taken')
    driver.apply({ type: 'deleteAccount', sessionId, requestId: 'd', confirmName: 'alice' })
    expect(verdict(driver.apply({ ...create, requestId: 'r', name: 'alice' }))).toBe('name taken')
    expect(verdict(driver.apply({ ...create, requestId: 'r2', name: 'alice' }))).toBe('ok')
  })

  it('takes one request id for two names as two requests', () => {
    const driver = new Driver()
    expect(verdict(driver.apply({ ...create, requestId: 'r', name: 'alice' }))).toBe('ok')
    expect(verdict(driver.apply({ ...create, requestId: 'r', name: 'bob' }))).toBe('ok')
    // Neither id and name together reads like another id and name together.
    expect(verdict(driver.apply({ ...create, requestId: 'r:a', name: 'b' }))).toBe('ok')
    expect(verdict(driver.apply({ ...create, requestId: 'r', name: ':ab' }))).toBe('ok')
    expect(verdict(driver.apply({ ...create, requestId: '1', name: '1:rcarol' }))).toBe('ok')
    expect(driver.chat.counts().accounts).toBe(5)
  })

  it('forgets replies after their time: then a retry is a new request', () => {
    const driver = new Driver()
    driver.apply({ ...create, requestId: 'r', name: 'alice' })
    driver.time += driver.chat.limits.rememberReplyMs - 1
    expect(verdict(driver.apply({ ...create, requestId: 'r', name: 'alice' }))).toBe('ok')
    driver.time += 1
    expect(verdict(driver.apply({ ...create, requestId: 'r', name: 'alice' }))).toBe('name taken')
  })

  it('forgets the oldest replies beyond their bound', () => {
    const driver = new Driver({ accountReplies: 2 })
    driver.apply({ ...create, requestId: 'r', name: 'alice' })
    driver.apply({ ...create, requestId: 'r', name: 'bob' })
    driver.apply({ ...create, requestId: 'r', name: 'carol' })
    expect(driver.chat.counts().rememberedReplies).toBe(2)
    expect(verdict(driver.apply({ ...create, requestId: 'r', name: 'bob' }))).toBe('ok')
    expect(verdict(driver.apply({ ...create, requestId: 'r', name: 'alice' }))).toBe('name taken')
  })

  it('stops at the bound on accounts', () => {
    const driver = new Driver({ accounts: 2 })
    driver.create('alice')
    const sessionId = driver.login('bob')
    expect(driver.apply({ ...create, requestId: 'r', name: 'carol' })).toMatchObject({
      reason: 'limit reached',
      message: containing('accounts'),
    })
    driver.apply({ type: 'deleteAccount', sessionId, requestId: 'd', confirmName: 'bob' })
    expect(verdict(driver.apply({ ...create, requestId: 'r2', name: 'carol' }))).toBe('ok')
  })

  it.each([
    [{ name: '' }, 'invalid name'],
    [{ name: 'x'.repeat(65) }, 'invalid name'],
    [{ requestId: '' }, 'invalid request id'],
    [{ requestId: 'x'.repeat(65) }, 'invalid request id'],
    [{ passwordHash: '' }, 'invalid argument'],
    [{ passwordHash: 'x'.repeat(1_025) }, 'invalid argument'],
  ])('refuses %j without a trace', (part, reason) => {
    const driver = new Driver()
    const before = driver.chat.hash()
    expect(verdict(driver.apply({ ...create, requestId: 'r', name: 'alice', ...part }))).toBe(reason)
    expect(driver.chat.hash()).toBe(before)
  })
})

describe('list', () => {
  const names = ['al', 'ala', 'alan', 'alb', 'b', 'zoë', '\uffee', '𝔸da', '😀']

  it('is in the order of code points, whatever the order of creation', () => {
    const driver = new Driver()
    for (const name of [...names].reverse()) driver.create(name)
    expect(driver.chat.list('', '', 100)).toEqual(names)
  })

  it('takes the prefix literally', () => {
    const driver = new Driver()
    for (const name of [...names, '.*', '%']) driver.create(name)
    expect(driver.chat.list('al', '', 100)).toEqual(['al', 'ala', 'alan', 'alb'])
    expect(driver.chat.list('.*', '', 100)).toEqual(['.*'])
    expect(driver.chat.list('%', '', 100)).toEqual(['%'])
    expect(driver.chat.list('AL', '', 100)).toEqual([])
    expect(driver.chat.list('\u{1f600}', '', 100)).toEqual(['😀'])
  })

  it('goes on after a name, page by page', () => {
    const driver = new Driver()
    for (const name of names) driver.create(name)
    const pages: string[][] = []
    for (let after = ''; ; ) {
      const page = driver.chat.list('', after, 4)
      if (page.length === 0) break
      pages.push(page)
      after = page.at(-1) ?? ''
    }
    expect(pages).toEqual([names.slice(0, 4), names.slice(4, 8), names.slice(8)])
    expect(driver.chat.list('al', 'alam', 10)).toEqual(['alan', 'alb'])
    expect(driver.chat.list('al', 'a', 10)).toEqual(['al', 'ala', 'alan', 'alb'])
    expect(driver.chat.list('al', '😀', 10)).toEqual([])
    expect(driver.chat.list('', '', 0)).toEqual([])
    // U+FFEE lies between in UTF-16, not by code point.
    expect(driver.chat.list('\uffee', '𝔸', 10)).toEqual([])
    expect(driver.chat.list('𝔸', '\uffee', 10)).toEqual(['𝔸da'])
  })
})

describe('deleteAccount', () => {
  it('removes the account, its waiting messages and its session', () => {
    const driver = new Driver()
    const alice = driver.login('alice')
    const token = tokenHash(77)
    const bob = driver.login('bob', { token })
    const bobsId = driver.chat.account('bob')?.accountId ?? 0
    driver.send(alice, 'bob')
    const mailbox = driver.chat.mailbox(bobsId)
    expect(mailbox.waiting).toBe(1)
    expect(
      driver.apply({ type: 'deleteAccount', sessionId: bob, requestId: 'd', confirmName: 'bob' }),
    ).toEqual({
      ok: true,
      type: 'deleteAccount',
    })
    expect(driver.chat.account('bob')).toBeUndefined()
    expect(driver.chat.list('', '', 10)).toEqual(['alice'])
    expect([mailbox.waiting, mailbox.bytes, mailbox.lastSequence, mailbox.read(0, 10, 10)]).toEqual([
      0,
      0,
      0,
      [],
    ])
    expect(driver.chat.counts()).toMatchObject({ waitingMessages: 0, waitingBytes: 0, sessions: 1 })
    expect(driver.chat.session(token)).toEqual({
      ended: 'account deleted',
      sessionId: bob,
      accountId: bobsId,
    })
    expect(verdict(driver.send(alice, 'bob'))).toBe('unknown recipient')
  })

  it('wants the name once more', () => {
    const driver = new Driver()
    const alice = driver.login('alice')
    const reply = driver.apply({
      type: 'deleteAccount',
      sessionId: alice,
      requestId: 'd',
      confirmName: 'Alice',
    })
    expect(reply).toMatchObject({
      reason: 'not confirmed',
      message: containing('"Alice" is not the name'),
    })
    expect(driver.chat.account('alice')).toBeDefined()
    expect(verdict(driver.send(alice, 'alice'))).toBe('send to self')
  })

  it('answers a retry as the first try, although the session has ended with the account', () => {
    const driver = new Driver()
    const sessionId = driver.login('alice')
    const command = { type: 'deleteAccount', sessionId, requestId: 'd', confirmName: 'alice' } as const
    expect(verdict(driver.apply(command))).toBe('ok')
    driver.create('alice')
    expect(verdict(driver.apply(command))).toBe('ok')
    expect(driver.chat.account('alice')).toBeDefined()
    expect(verdict(driver.apply({ ...command, requestId: 'other' }))).toBe('account deleted')
  })

  it('leaves what the account sent', () => {
    const driver = new Driver()
    const alice = driver.login('alice')
    driver.create('bob')
    driver.send(alice, 'bob', 'the last word')
    driver.apply({ type: 'deleteAccount', sessionId: alice, requestId: 'd', confirmName: 'alice' })
    expect(driver.texts('bob')).toEqual(['the last word'])
  })

  it('gives a new account of the name a mailbox of its own', () => {
    const driver = new Driver()
    const alice = driver.login('alice')
    const bob = driver.login('bob')
    driver.send(alice, 'bob')
    driver.apply({ type: 'deleteAccount', sessionId: bob, requestId: 'd', confirmName: 'bob' })
    driver.create('bob')
    driver.send(alice, 'bob', 'welcome')
    const [message] = driver.chat.mailbox(driver.chat.account('bob')?.accountId ?? 0).read(0, 10, 1_000)
    expect(message).toMatchObject({ sequence: 1, text: 'welcome' })
  })
})
