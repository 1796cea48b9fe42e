import { describe, expect, it } from 'vitest'
import type { Event } from '../src/core/events.ts'
import { recordStep, type StepRecord } from '../src/core/record.ts'
import { step } from '../src/core/step.ts'
import { member, OneCore } from './one-core.ts'

const [B, C] = [member(1), member(2)]

/** One step of the core that `one` holds, as a recorder is told of it. */
function recorded(one: OneCore, event: Event): StepRecord {
  const effects = step(one.core, event, one.now)
  return recordStep(one.core, event, effects)
}

describe('the record of a step', () => {
  it('has the message, what the replica was after it, what it gave to its disk and what its answers wait for', () => {
    const one = new OneCore({ slowDisk: true })
    const request = one.voteRequest({ term: 3 })
    const record = recorded(one, { type: 'receive', from: B, message: request })
    expect(record).toMatchObject({
      received: { from: B, message: request },
      role: 'follower',
      term: 3,
      votedFor: B.id,
      campaign: null,
      opening: null,
      persist: { number: 1, entries: [] },
      persistIssued: 1,
      persistDone: 0,
    })
    expect(record.sends).toMatchObject([{ to: B, message: { type: 'voteReply', granted: true }, after: 1 }])
  })

  it('tells where a candidacy stands, and what a leader begins with', () => {
    const one = new OneCore()
    for (const peer of [B, C]) one.connect(peer)
    one.elect(B)
    expect(one.core.role).toBe('leader')
    const record = recorded(one, { type: 'tick', wallTime: one.now })
    expect(record).toMatchObject({
      received: null,
      role: 'leader',
      opening: 1,
      persist: null,
      last: { index: 1, term: one.core.term },
    })
    const other = new OneCore()
    for (const peer of [B, C]) other.connect(peer)
    for (let passed = 0; passed < 2_000 && other.core.role !== 'candidate'; passed += 10) other.tick(10)
    expect(recorded(other, { type: 'tick', wallTime: other.now }).campaign).toEqual({
      phase: 'pre',
      transfer: false,
      returnees: null,
    })
  })
})
