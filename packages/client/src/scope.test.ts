import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { ChatError } from './error.ts'
import { watchEnd } from './scope.ts'

beforeEach(() => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
})

describe('who watches for an end', () => {
  const ends: (ChatError | 'expired')[] = []
  const end = (reason: ChatError | 'expired'): void => void ends.push(reason)
  beforeEach(() => void ends.splice(0))

  it('is told of the first one only: the time', () => {
    const caller = new AbortController()
    watchEnd(50, caller.signal, end)
    vi.advanceTimersByTime(49)
    expect(ends).toEqual([])
    vi.advanceTimersByTime(1)
    caller.abort()
    expect(ends).toEqual(['expired'])
  })

  it('is told of the first one only: the signal, whose reason is a ChatError', () => {
    const caller = new AbortController()
    watchEnd(50, caller.signal, end)
    caller.abort('enough')
    expect(vi.getTimerCount()).toBe(0)
    expect(ends).toEqual([expect.objectContaining({ code: 'aborted', cause: 'enough' })])
    const closed = new ChatError('closed', 'The client was closed.')
    const other = new AbortController()
    watchEnd(50, other.signal, end)
    other.abort(closed)
    expect(ends[1]).toBe(closed)
  })

  it('is told of none once it forgets', () => {
    const caller = new AbortController()
    watchEnd(50, caller.signal, end)()
    expect(vi.getTimerCount()).toBe(0)
    watchEnd(50, undefined, end)()
    expect(vi.getTimerCount()).toBe(0)
    caller.abort()
    expect(ends).toEqual([])
  })
})
