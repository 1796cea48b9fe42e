import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Outbox } from './outbox.ts'

interface Item {
  readonly requestId: string
  readonly bytes: number
}

const item = (requestId: string, bytes = 1): Item => ({ requestId, bytes })
const roomy = { inFlight: 100, queued: 100, bytes: 1_000_000 }

function takeAll(outbox: Outbox<Item>): string[] {
  const taken: string[] = []
  for (let next = outbox.next(); next !== null; next = outbox.next()) taken.push(next.requestId)
  return taken
}

describe('Outbox', () => {
  it('lets out in order, no more than may be in flight', () => {
    const outbox = new Outbox<Item>({ ...roomy, inFlight: 2 })
    for (const id of ['a', 'b', 'c']) outbox.offer(item(id))
    expect(takeAll(outbox)).toEqual(['a', 'b'])
    outbox.answered('a')
    expect(takeAll(outbox)).toEqual(['c'])
  })

  it('takes no more than its bounds, but always one', () => {
    const byCount = new Outbox<Item>({ inFlight: 1, queued: 1, bytes: 100 })
    expect([1, 2, 3].map((id) => byCount.offer(item(`${id}`)))).toEqual([true, true, false])
    const byBytes = new Outbox<Item>({ ...roomy, bytes: 10 })
    expect([byBytes.offer(item('huge', 11)), byBytes.offer(item('small'))]).toEqual([true, false])
    byBytes.next()
    byBytes.answered('huge')
    expect(byBytes.offer(item('small'))).toBe(true)
  })

  it('rewinds what is in flight before what waits', () => {
    const outbox = new Outbox<Item>({ ...roomy, inFlight: 2 })
    for (const id of ['a', 'b', 'c']) outbox.offer(item(id))
    takeAll(outbox)
    outbox.rewind()
    expect(takeAll(outbox)).toEqual(['a', 'b'])
  })

  it('knows an answer that is out of order', () => {
    const outbox = new Outbox<Item>(roomy)
    for (const id of ['a', 'b']) outbox.offer(item(id))
    expect(outbox.answered('a')).toBeUndefined()
    takeAll(outbox)
    expect(outbox.answered('b')).toBeUndefined()
    expect(outbox.answered('a')?.requestId).toBe('a')
  })

  it('forgets what was given up: at once if it waits, with its answer or the next rewind if it is in flight', () => {
    const outbox = new Outbox<Item>({ ...roomy, inFlight: 2 })
    const items = ['a', 'b', 'c', 'd'].map((id) => item(id))
    for (const each of items) outbox.offer(each)
    takeAll(outbox)
    for (const each of items.slice(0, 3)) outbox.giveUp(each)
    expect(outbox.answered('a')).toBeNull()
    outbox.rewind()
    expect(takeAll(outbox)).toEqual(['d'])
    expect(outbox.isEmpty).toBe(false)
    expect(outbox.answered('d')).toBe(items[3])
    expect(outbox.isEmpty).toBe(true)
  })

  it('keeps the order of a sender through any failures, with a server that does nothing twice', () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.constant('offer' as const) },
      { weight: 4, arbitrary: fc.constant('write' as const) },
      { weight: 3, arbitrary: fc.constant('serve' as const) },
      { weight: 3, arbitrary: fc.constant('answer' as const) },
      { weight: 1, arbitrary: fc.constant('break' as const) },
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const outbox = new Outbox<Item>({ inFlight: 4, queued: 4, bytes: 1_000 })
        let offered = 0
        const settled: string[] = []
        const delivered: string[] = []
        let wire: string[] = []
        let answers: string[] = []
        const serve = (): void => {
          const id = wire.shift()
          if (id === undefined) return
          if (!delivered.includes(id)) delivered.push(id)
          answers.push(id)
        }
        const write = (): void => {
          const next = outbox.next()
          if (next !== null) wire.push(next.requestId)
        }
        const answer = (): void => {
          const id = answers.shift()
          if (id !== undefined) settled.push(outbox.answered(id)?.requestId ?? 'out of order')
        }
        const actions = {
          offer: () => {
            if (outbox.offer(item(`${offered}`))) offered++
          },
          write,
          serve,
          answer,
          break: () => {
            // Any prefix of what was written may have been done, any prefix of the answers may have arrived.
            wire = []
            answers = []
            outbox.rewind()
          },
        }
        for (const each of steps) actions[each]()
        while (!outbox.isEmpty) {
          write()
          serve()
          answer()
        }
        const everything = Array.from({ length: offered }, (_, at) => `${at}`)
        expect(delivered).toEqual(everything)
        expect(settled).toEqual(everything)
      }),
    )
  })
})
