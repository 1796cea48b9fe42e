import { describe, expect, it } from 'vitest'
import { defaultLimits } from '../limits.ts'
import { ChatState } from './chat-state.ts'
import { Observers } from './observers.ts'

/** Makes many accounts with mail and a changed password, and removes them all. */
function churn({ accounts }: ChatState): void {
  const made = Array.from({ length: 2_000 }, (_, i) => accounts.add(i + 1, `account-${i}`, 'x'.repeat(97)))
  for (const account of made) {
    accounts.changePassword(account, 'y'.repeat(97))
    accounts.deliver(account, { id: 9, from: 'alice', text: 'x'.repeat(300), bytes: 300, sentAt: 1 })
  }
  for (const account of made) accounts.remove(account)
}

describe('accounts', () => {
  it('leave nothing behind when they are removed', () => {
    const state = new ChatState(defaultLimits, new Observers())
    churn(state)
    const { memory } = state.accounts
    for (let round = 0; round < 10; round++) churn(state)
    expect(state.accounts.memory).toBe(memory)
    expect(memory).toBeLessThan(10 * 65_536)
    expect([state.accounts.size, state.accounts.waiting, state.accounts.waitingBytes]).toEqual([0, 0, 0])
  })

  it('leave what they were while a snapshot is taken, and no longer', () => {
    const state = new ChatState(defaultLimits, new Observers())
    churn(state)
    const { memory } = state.accounts
    state.beginSnapshot()
    churn(state)
    expect(state.accounts.memory).toBeGreaterThan(1_000_000)
    state.endSnapshot()
    for (let round = 0; round < 3; round++) churn(state)
    expect(state.accounts.memory).toBe(memory)
  })
})
