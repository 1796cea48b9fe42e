import { describe, expect, test } from 'vitest'
import type { Command, Reply } from '../src/index.ts'
import { Driver, verdict } from './driver.ts'

function change(driver: Driver, sessionId: number, requestId: string, passwordHash = 'new'): Reply {
  return driver.apply<Command>({ type: 'changePassword', sessionId, requestId, passwordHash })
}

describe('changePassword', () => {
  test('replaces the hash and ends the session, and nothing else', () => {
    const driver = new Driver()
    const token = driver.newToken()
    const alice = driver.login('alice', { token })
    const bob = driver.login('bob')
    driver.send(bob, 'alice', 'waits')
    const { accountId } = driver.chat.account('alice') ?? {}
    expect(change(driver, alice, 'p')).toEqual({ ok: true, type: 'changePassword' })
    expect(driver.chat.account('alice')).toEqual({
      accountId,
      name: 'alice',
      passwordHash: 'new',
      locked: false,
    })
    expect(driver.chat.session(token)).toMatchObject({ ended: 'password changed' })
    expect(verdict(driver.send(alice, 'bob'))).toBe('password changed')
    expect(driver.texts('alice')).toEqual(['waits'])
    expect(verdict(driver.send(bob, 'alice'))).toBe('ok')
    expect(driver.login('alice')).toBeGreaterThan(alice)
  })

  test('is done once, however often it is asked for, whatever the salt', () => {
    const driver = new Driver()
    const alice = driver.login('alice')
    change(driver, alice, 'p', 'salted once')
    driver.restart()
    expect(verdict(change(driver, alice, 'p', 'salted twice'))).toBe('ok')
    expect(driver.chat.account('alice')?.passwordHash).toBe('salted once')
    expect(verdict(change(driver, alice, 'q'))).toBe('password changed')
    expect(verdict(driver.send(alice, 'alice', 'x', 'p'))).toBe('request id reused')
  })

  test('takes no hash out of bounds', () => {
    const driver = new Driver({ passwordHashUnits: 4 })
    const alice = driver.login('alice')
    expect(verdict(change(driver, alice, 'p', ''))).toBe('invalid argument')
    expect(verdict(change(driver, alice, 'q', '12345'))).toBe('invalid argument')
    expect(verdict(change(driver, alice, 'r', '1234'))).toBe('ok')
  })

  test('is part of a snapshot, and a snapshot under way does not see it', () => {
    const driver = new Driver()
    const alice = driver.login('alice')
    const before = driver.chat.hash()
    const chunks = driver.chat.snapshot()
    change(driver, alice, 'p')
    expect(driver.chat.hash()).not.toBe(before)
    const taken = [...chunks]
    const earlier = new Driver()
    const sink = earlier.chat.restore()
    for (const chunk of taken) sink.write(chunk)
    sink.finish()
    expect(earlier.chat.account('alice')?.passwordHash).toBe('hash')
    expect(earlier.chat.hash()).toBe(before)
    const after = driver.chat.hash()
    driver.restart()
    expect(driver.chat.hash()).toBe(after)
  })
})
