import { describe, expect, it } from 'vitest'
import { HashingQueue } from './hashing-queue.ts'

interface Work {
  readonly started: string[]
  readonly start: (name: string) => () => Promise<string>
  readonly finish: (name: string) => void
}

function work(): Work {
  const started: string[] = []
  const endings = new Map<string, PromiseWithResolvers>()
  const endingOf = (name: string): PromiseWithResolvers => {
    const known = endings.get(name) ?? withResolvers()
    endings.set(name, known)
    return known
  }
  return {
    started,
    start: (name) => async () => {
      started.push(name)
      await endingOf(name).promise
      return name
    },
    finish: (name) => endingOf(name).resolve(),
  }
}

interface PromiseWithResolvers {
  readonly promise: Promise<void>
  readonly resolve: () => void
}

function withResolvers(): PromiseWithResolvers {
  let resolve = (): void => {}
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve }
}

describe('the hashing queue', () => {
  it('runs a few at once and the others in the order they came', async () => {
    const { started, start, finish } = work()
    const queue = new HashingQueue({ atOnce: 2, waiting: 10, retryAfterMs: 1 })
    const results = ['a', 'b', 'c', 'd'].map((name) => queue.run(start(name)))
    expect(started).toEqual(['a', 'b'])
    finish('b')
    await results[1]
    finish('a')
    await results[0]
    finish('d')
    await results[3]
    expect(started).toEqual(['a', 'b', 'c', 'd'])
    finish('c')
    expect(await Promise.all(results)).toEqual(['a', 'b', 'c', 'd'])
    expect(queue.length).toBe(0)
  })

  it('refuses more than may wait', async () => {
    const { start, finish } = work()
    const queue = new HashingQueue({ atOnce: 1, waiting: 1, retryAfterMs: 7 })
    const running = queue.run(start('a'))
    const waiting = queue.run(start('b'))
    await expect(queue.run(start('c'))).rejects.toMatchObject({ reason: 'OVERLOADED', retryAfterMs: 7 })
    finish('a')
    await running
    const next = queue.run(start('d'))
    finish('b')
    await waiting
    finish('d')
    expect(await next).toBe('d')
  })

  it('gives a caller that left no turn', async () => {
    const { started, start, finish } = work()
    const queue = new HashingQueue({ atOnce: 1, waiting: 2, retryAfterMs: 1 })
    const leaver = new AbortController()
    const running = queue.run(start('a'))
    const left = queue.run(start('b'), { from: '', signal: leaver.signal })
    const patient = queue.run(start('c'))
    leaver.abort()
    await expect(left).rejects.toMatchObject({ reason: 'OUTCOME_UNKNOWN' })
    await expect(queue.run(start('d'), { from: '', signal: leaver.signal })).rejects.toMatchObject({
      reason: 'OUTCOME_UNKNOWN',
    })
    finish('a')
    await running
    finish('c')
    await patient
    expect(started).toEqual(['a', 'c'])
  })

  it('lets those who ask take turns, however much one of them asks for', async () => {
    const { started, start, finish } = work()
    const queue = new HashingQueue({ atOnce: 1, waiting: 10, retryAfterMs: 1 })
    const names = ['a1', 'a2', 'a3', 'a4', 'b1', 'b2', 'c1']
    const results = names.map((name) => queue.run(start(name), { from: name.charAt(0), signal: null }))
    for (const name of names) finish(name)
    await Promise.all(results)
    expect(started).toEqual(['a1', 'a2', 'b1', 'c1', 'a3', 'b2', 'a4'])
    expect(queue.length).toBe(0)
  })

  it('gives up the end of the longest line for whoever has a shorter one', async () => {
    const { started, start, finish } = work()
    const queue = new HashingQueue({ atOnce: 1, waiting: 3, retryAfterMs: 7 })
    const run = (name: string): Promise<string> =>
      queue.run(start(name), { from: name.charAt(0), signal: null })
    const many = ['a1', 'a2', 'a3', 'a4'].map(run)
    await expect(run('a5')).rejects.toMatchObject({ reason: 'OVERLOADED' })
    const other = run('b1')
    await expect(many[3]).rejects.toMatchObject({ reason: 'OVERLOADED', retryAfterMs: 7 })
    // As long a line as the other's is enough.
    await expect(run('b2')).rejects.toMatchObject({ reason: 'OVERLOADED' })
    for (const name of ['a1', 'a2', 'a3', 'b1']) finish(name)
    expect(await Promise.all([...many.slice(0, 3), other])).toEqual(['a1', 'a2', 'a3', 'b1'])
    expect(started).toEqual(['a1', 'a2', 'b1', 'a3'])
    expect(queue.length).toBe(0)
  })

  it('goes on after work that failed', async () => {
    const { start, finish } = work()
    const queue = new HashingQueue({ atOnce: 1, waiting: 2, retryAfterMs: 1 })
    const failing = queue.run(() => Promise.reject(new Error('no memory')))
    const next = queue.run(start('b'))
    await expect(failing).rejects.toThrow('no memory')
    finish('b')
    expect(await next).toBe('b')
  })
})
