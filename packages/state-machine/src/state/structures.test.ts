import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Answered, AnswerOrder } from './answer-order.ts'
import { type Expiring, ExpiryQueue } from './expiry-queue.ts'
import { Fifo } from './fifo.ts'
import { hashOfText, textFactor } from './hash-table.ts'
import { PartitionedMap, spreadIndex, spreadText } from './partitioned-map.ts'
import { ReplyWindow, type ReplyWindowImage } from './reply-window.ts'

describe('Fifo', () => {
  it('is an array whose front goes, and its images stay as they were', () => {
    const step = fc.record({ push: fc.nat(40), drop: fc.nat(45), image: fc.boolean(), compact: fc.boolean() })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const fifo = new Fifo<number>(5)
        let first = 5
        let items: number[] = []
        const images: { image: ReturnType<typeof fifo.image>; first: number; items: number[] }[] = []
        for (const { push, drop, image, compact } of steps) {
          for (let i = 0; i < push; i++) {
            expect(fifo.push(first * 1_000 + i)).toBe(first + items.length)
            items.push(first * 1_000 + i)
          }
          if (image) images.push({ image: fifo.image(), first, items: [...items] })
          fifo.dropBefore(first + drop)
          const dropped = Math.min(drop, items.length)
          items = items.slice(dropped)
          first += dropped
          if (compact) fifo.compact()
          expect(Array.from({ length: fifo.size }, (_, i) => fifo.at(fifo.first + i))).toEqual(items)
          expect([fifo.first, fifo.next, fifo.oldest]).toEqual([first, first + items.length, items[0]])
          expect([fifo.at(first - 1), fifo.at(fifo.next)]).toEqual([undefined, undefined])
        }
        for (const { image, first: began, items: had } of images) {
          expect([image.first, image.next]).toEqual([began, began + had.length])
          expect(had.map((_, i) => image.at(began + i))).toEqual(had)
          expect([image.at(began - 1), image.at(image.next)]).toEqual([undefined, undefined])
        }
      }),
    )
  })

  it('never goes back', () => {
    const fifo = new Fifo<string>()
    fifo.push('a')
    fifo.dropBefore(2)
    fifo.dropBefore(1)
    expect(fifo.first).toBe(2)
    expect(fifo.push('b')).toBe(2)
  })
})

describe('ExpiryQueue', () => {
  class Item implements Expiring {
    readonly id: number
    lastActive: number
    readonly idleTimeoutMs: number
    readonly endsAt: number
    queuePlace = -1
    queuedFor = 0
    constructor(id: number, lastActive: number, idleTimeoutMs: number, endsAt = 0) {
      this.id = id
      this.lastActive = lastActive
      this.idleTimeoutMs = idleTimeoutMs
      this.endsAt = endsAt
    }
  }

  const timeOf = ({ lastActive, idleTimeoutMs, endsAt }: Item): number =>
    Math.min(lastActive + idleTimeoutMs, endsAt || Infinity)

  it('always knows whose time comes next', () => {
    const step = fc.record({
      do: fc.constantFrom('add', 'add', 'remove', 'put off'),
      which: fc.nat(),
      by: fc.nat(30),
      mayEnd: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100, size: 'max' }), (steps) => {
        const queue = new ExpiryQueue<Item>()
        const items: Item[] = []
        for (const [id, { do: what, which, by, mayEnd }] of steps.entries()) {
          const item = items[which % Math.max(1, items.length)]
          if (what === 'add') {
            const added = new Item(id, 100, by, mayEnd ? 110 + (which % 40) : 0)
            queue.add(added)
            items.push(added)
          } else if (item !== undefined && what === 'remove') {
            queue.remove(item)
            items.splice(items.indexOf(item), 1)
          } else if (item !== undefined) {
            item.lastActive += by
          }
          const [first] = [...items].sort((a, b) => timeOf(a) - timeOf(b) || a.id - b.id)
          // The queue is looked at now and then, so that it has several things to put right at once.
          const looked = which % 3 === 0 ? first : queue.next()
          expect(looked).toBe(first)
        }
      }),
      { numRuns: 500 },
    )
  })

  it('is empty at first and after the last was removed', () => {
    const queue = new ExpiryQueue<Item>()
    expect(queue.next()).toBeUndefined()
    const item = new Item(1, 0, 1)
    queue.add(item)
    queue.remove(item)
    expect(queue.next()).toBeUndefined()
  })
})

describe('AnswerOrder', () => {
  interface Node extends Answered<Node> {
    readonly id: number
  }

  it('is a list of those that were answered, the latest last', () => {
    const step = fc.record({ answered: fc.boolean(), id: fc.nat(5) })
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const order = new AnswerOrder<Node>()
        const nodes = Array.from({ length: 6 }, (_, id): Node => ({ id, older: null, newer: null }))
        let reference: number[] = []
        for (const { answered, id } of steps) {
          const node = nodes[id]
          if (node === undefined) continue
          reference = reference.filter((other) => other !== id)
          if (answered) reference.push(id)
          if (answered) order.answered(node)
          else order.remove(node)
          const ids: number[] = []
          for (let at = order.oldest; at !== null; at = at.newer) ids.push(at.id)
          expect(ids).toEqual(reference)
        }
      }),
    )
  })
})

describe('ReplyWindow', () => {
  const reply = (
    key: string,
    at: number,
  ): { key: string; fingerprint: number; outcome: number; at: number } => ({
    key,
    fingerprint: at * 2,
    outcome: at * 3,
    at,
  })

  it('finds what it has not dropped, and its images stay as they were', () => {
    const window = new ReplyWindow()
    for (let i = 0; i < 100; i++) window.add(reply(`r${i}`, i), i)
    const image = window.image()
    expect(window.dropUpTo(59, 10)).toBe(10)
    expect(window.dropUpTo(59)).toBe(50)
    for (let i = 100; i < 150; i++) window.add(reply(`r${i}`, i), i)
    window.dropOldest()
    expect(window.size).toBe(89)
    expect(window.find('r60', -1)).toBeUndefined()
    expect(window.find('r61', -1)).toEqual(reply('r61', 61))
    expect(window.find('r61', 60)).toEqual(reply('r61', 61))
    expect(window.find('r61', 61)).toBeUndefined()
    expect([window.newestIndex, window.newestAt]).toEqual([149, 149])
    expect(Array.from({ length: image.size }, (_, i) => image.at(i).key)).toEqual(
      Array.from({ length: 100 }, (_, i) => `r${i}`),
    )
    expect(window.dropUpTo(1_000)).toBe(89)
    expect([window.size, window.newestAt]).toEqual([0, 0])
    window.dropOldest()
    expect(window.size).toBe(0)
  })

  it('goes on finding the newer of two replies of one key when the older is dropped', () => {
    const window = new ReplyWindow()
    window.add(reply('r', 1), 1)
    window.add(reply('r', 2), 2)
    window.dropOldest()
    expect(window.find('r', 0)).toEqual(reply('r', 2))
    window.dropOldest()
    expect(window.find('r', 0)).toBeUndefined()
  })

  it('finds what a list finds that is searched from its end', () => {
    const step = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'drop', 'drop', 'look')
    fc.assert(
      fc.property(fc.array(step, { maxLength: 90 }), (steps) => {
        const window = new ReplyWindow()
        const seen: { image: ReplyWindowImage; was: ReturnType<typeof reply>[] }[] = []
        const list: ReturnType<typeof reply>[] = []
        for (const [at, step] of steps.entries()) {
          if (step === 'drop') {
            window.dropOldest()
            list.shift()
          } else if (step === 'look') {
            seen.push({ image: window.image(), was: [...list] })
          } else {
            window.add(reply(step, at), at)
            list.push(reply(step, at))
          }
          for (const key of ['a', 'b', 'c', 'd', 'e'])
            expect(window.find(key, -1)).toEqual(list.findLast((each) => each.key === key))
          expect([window.size, window.newestAt]).toEqual([list.length, list.at(-1)?.at ?? 0])
          for (const { image, was } of seen)
            expect(Array.from({ length: image.size }, (_, nth) => image.at(nth))).toEqual(was)
        }
      }),
    )
  })

  it('spreads keys anew that were chosen to lie in one place', () => {
    // The last unit of each key makes up for what comes before it, so that all have one hash.
    let inverse = textFactor
    for (let n = 0; n < 6; n++) inverse = Math.imul(inverse, 2 - Math.imul(textFactor, inverse))
    const keys: string[] = []
    for (let n = 0; keys.length < 70; n++) {
      const head = n.toString(36).padStart(8, '0')
      let bits = head.length + 1
      for (const unit of head) bits = Math.imul(bits ^ unit.charCodeAt(0), textFactor)
      const last = (bits ^ Math.imul(7, inverse)) >>> 0
      if (last < 0xd800) keys.push(head + String.fromCharCode(last))
    }
    expect(new Set(keys.map((key) => hashOfText(key, 0))).size).toBe(1)
    const window = new ReplyWindow()
    for (const [at, key] of keys.entries()) {
      window.add(reply(key, at), at)
      // Also when its hash was that of before.
      expect(window.find(key, -1)?.at).toBe(at)
    }
    expect(window.spreads).toBe(1)
    expect(keys.filter((key, at) => window.find(key, -1)?.at !== at)).toEqual([])
    for (let n = 0; n < 40; n++) window.dropOldest()
    expect(keys.filter((key, at) => window.find(key, -1)?.at !== (at < 40 ? undefined : at))).toEqual([])
  })

  it('finds each of thousands, and as many as are left when most are dropped', () => {
    const window = new ReplyWindow()
    for (let i = 0; i < 5_000; i++) window.add(reply(`r${i}`, i), i)
    const lost = (from: number): number[] =>
      Array.from({ length: 5_000 }, (_, i) => i).filter(
        (i) => (window.find(`r${i}`, -1) === undefined) !== i < from,
      )
    expect(lost(0)).toEqual([])
    window.dropUpTo(4_989)
    expect([window.size, lost(4_990)]).toEqual([10, []])
    for (let i = 4_000; i < 4_900; i++) window.add(reply(`r${i}`, 5_000 + i), i)
    expect(window.find('r4100', -1)).toEqual(reply('r4100', 9_100))
  })
})

describe('PartitionedMap', () => {
  it('is a map', () => {
    const map = new PartitionedMap<string, number>(spreadText)
    for (let i = 0; i < 2_000; i++) map.set(`key ${i}`, i)
    map.set('key 7', -7)
    map.delete('key 8')
    map.delete('no such key')
    expect(map.size).toBe(1_999)
    expect([map.get('key 7'), map.get('key 8'), map.get('key 9')]).toEqual([-7, undefined, 9])
    expect([...map.values()].reduce((sum, value) => sum + value, 0)).toBe((1_999 * 2_000) / 2 - 14 - 8)
  })

  it.each([
    ['names', (i: number) => spreadText(`account-${i}`)],
    ['token hashes', (i: number) => spreadText(String.fromCharCode(i & 0xff, i >> 8, 3, 4))],
    ['indexes', (i: number) => spreadIndex(1_000_000 + i)],
  ])('spreads %s evenly', (_, spread) => {
    const filled = new Map<number, number>()
    for (let i = 0; i < 25_600; i++) filled.set(spread(i) & 0xff, (filled.get(spread(i) & 0xff) ?? 0) + 1)
    expect(filled.size).toBe(256)
    expect(Math.max(...filled.values())).toBeLessThan(200)
  })
})
