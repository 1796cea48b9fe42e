import { describe, expect, test } from 'vitest'
import type { Command, Reply } from '../src/index.ts'
import { Driver, verdict } from './driver.ts'

function administer(driver: Driver, name: string, action: 'lock' | 'unlock' | 'delete'): Reply {
  return driver.apply<Command>({ type: 'administer', name, action })
}

function tryToLogIn(driver: Driver, name: string, token: Uint8Array): Reply {
  const accountId = driver.chat.account(name)?.accountId ?? 0
  return driver.apply<Command>({
    type: 'login',
    requestId: `login ${driver.time} ${name}`,
    name,
    accountId,
    tokenHash: token,
    takeover: false,
    idleTimeoutMs: 60_000,
    lifetimeMs: 0,
  })
}

describe('an account that an operator locks', () => {
  test('loses its session, opens none, and still gets messages', () => {
    const driver = new Driver()
    const token = driver.newToken()
    driver.login('alice', { token })
    const bob = driver.login('bob')
    expect(administer(driver, 'alice', 'lock')).toEqual({ ok: true, type: 'administer' })
    expect(driver.chat.session(token)).toMatchObject({ ended: 'logged out' })
    expect(verdict(tryToLogIn(driver, 'alice', driver.newToken()))).toBe('wrong credentials')
    expect(verdict(driver.send(bob, 'alice', 'waits'))).toBe('ok')
    expect(driver.texts('alice')).toEqual(['waits'])
  })

  test('keeps its password: unlocked it is as it was, however often each was asked for', () => {
    const driver = new Driver()
    driver.login('alice')
    const before = driver.chat.account('alice')
    for (const action of ['lock', 'lock'] as const) administer(driver, 'alice', action)
    expect(driver.chat.account('alice')).toEqual({ ...before, locked: true })
    driver.restart()
    expect(driver.chat.account('alice')).toEqual({ ...before, locked: true })
    for (const action of ['unlock', 'unlock'] as const) administer(driver, 'alice', action)
    expect(driver.chat.account('alice')).toEqual(before)
    expect(verdict(tryToLogIn(driver, 'alice', driver.newToken()))).toBe('ok')
  })
})

describe('an account that an operator deletes', () => {
  test('is gone with its session and its mailbox', () => {
    const driver = new Driver()
    const token = driver.newToken()
    driver.login('alice', { token })
    const bob = driver.login('bob')
    driver.send(bob, 'alice', 'lost')
    administer(driver, 'alice', 'delete')
    expect(driver.chat.account('alice')).toBeUndefined()
    expect(driver.chat.session(token)).toMatchObject({ ended: 'account deleted' })
    expect(driver.chat.counts()).toMatchObject({ accounts: 1, waitingMessages: 0 })
    expect(administer(driver, 'alice', 'delete')).toMatchObject({ ok: false, reason: 'unknown recipient' })
  })
})

test('only this needs the second version', () => {
  const { chat } = new Driver()
  expect(chat.neededVersion({ type: 'administer', name: 'a', action: 'lock' })).toBe(2)
  expect(chat.neededVersion({ type: 'expire' })).toBe(1)
})
