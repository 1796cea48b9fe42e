import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyText } from '../../test/any-text.ts'
import { Arena } from './arena.ts'
import { hashOfIndex } from './hash-table.ts'
import { compareBytes, NameKey } from './name-key.ts'
import { RowIndex } from './row-index.ts'
import { SortedRows } from './sorted-rows.ts'

/** Fills a block with a byte. */
function fill(arena: Arena, address: number, byte: number): void {
  const at = arena.offsetOf(address)
  arena.bytesOf(address).fill(byte, at, at + arena.lengthOf(address))
}

/** Whether the block is full of this byte. */
function isFull(arena: Arena, address: number, byte: number): boolean {
  const at = arena.offsetOf(address)
  return arena
    .bytesOf(address)
    .subarray(at, at + arena.lengthOf(address))
    .every((found) => found === byte)
}

describe('Arena', () => {
  it('gives blocks that are long enough and nobody else has, until they are freed', () => {
    const bytes = fc.oneof(
      fc.nat(300),
      fc.nat(40_000),
      fc.constantFrom(0, 1, 32, 33, 128, 129, 65_536, 200_000),
    )
    const step = fc.record({ allocate: fc.boolean(), bytes, which: fc.nat(), hold: fc.nat(8) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const arena = new Arena()
        const blocks: { readonly address: number; readonly byte: number; readonly wanted: number }[] = []
        const freedWhileHeld: { readonly address: number; readonly byte: number }[] = []
        let held = false
        for (const [i, { allocate, bytes: wanted, which, hold }] of steps.entries()) {
          if (hold === 0) {
            held = !held
            freedWhileHeld.length = 0
            if (held) arena.hold()
            else arena.release()
          }
          const [block] = allocate ? [] : blocks.splice(which % Math.max(1, blocks.length), 1)
          if (block === undefined) {
            const address = arena.allocate(wanted)
            fill(arena, address, i & 0xff)
            blocks.push({ address, byte: i & 0xff, wanted })
          } else {
            arena.free(block.address)
            if (held) freedWhileHeld.push(block)
          }
          const all = [...blocks, ...freedWhileHeld]
          expect(all.every(({ address, byte }) => address > 0 && isFull(arena, address, byte))).toBe(true)
          for (const { address, wanted: bytes } of blocks) {
            expect(arena.lengthOf(address)).toBeGreaterThanOrEqual(bytes)
            expect(arena.lengthOf(address)).toBeLessThanOrEqual(Math.max(32, 1.25 * bytes + 16))
          }
        }
      }),
    )
  })

  it('gives memory back, and what is freed while it is held, too, in the end', () => {
    for (const [hold, stride] of [
      [false, 1],
      [true, 1],
      [false, 7_919],
    ] as const) {
      const arena = new Arena()
      const addresses = Array.from({ length: 20_000 }, (_, i) => arena.allocate(30 + (i % 7) * 40))
      expect(arena.size).toBeGreaterThan(2_000_000)
      if (hold) arena.hold()
      for (let i = 0; i < addresses.length; i++) arena.free(addresses[(i * stride) % addresses.length] ?? 0)
      if (hold) arena.release()
      // What was put off is freed along with other work.
      for (let i = 0; i < 5_000; i++) arena.free(arena.allocate(32))
      expect(arena.size).toBeLessThan(700_000)
    }
  })

  it('keeps count of which slabs have room, whichever of them are given back', () => {
    // Three blocks to a slab.
    const step = fc.record({ allocate: fc.boolean(), which: fc.nat() })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80, size: 'max' }), (steps) => {
        const arena = new Arena()
        const blocks: number[] = []
        for (const { allocate, which } of steps) {
          const [block] = allocate ? [] : blocks.splice(which % Math.max(1, blocks.length), 1)
          if (block === undefined) blocks.push(arena.allocate(20_000))
          else arena.free(block)
          expect(new Set(blocks).size).toBe(blocks.length)
          // Every slab but one has a block in use.
          expect(arena.size).toBeLessThanOrEqual((blocks.length + 1) * 61_440)
        }
      }),
    )
  })

  it('uses a freed block again', () => {
    const arena = new Arena()
    const first = arena.allocate(100)
    arena.allocate(100)
    arena.free(first)
    expect(arena.allocate(100)).toBe(first)
  })

  it('does not let anybody look at a slab that is not there', () => {
    expect(() => new Arena().viewOf(123_456)).toThrow(expect.objectContaining({ code: 'impossible state' }))
  })
})

describe('RowIndex', () => {
  it('finds nothing where nothing is, and removes nothing there', () => {
    const index = new RowIndex<number>((key, row) => key === row)
    expect(index.find(5, 7)).toBe(0)
    index.remove(5, 7)
    index.add(5, 7)
    index.remove(5, 8)
    expect([index.size, index.find(5, 7), index.find(5, 8)]).toEqual([1, 7, 0])
  })

  it('is a map from keys to rows, however their hashes collide', () => {
    const keys = Array.from({ length: 40 }, (_, i) => i)
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.boolean(), fc.constantFrom(...keys)), { maxLength: 100 }),
        fc.constantFrom(
          (some: number) => some % 3,
          (some: number) => ((some % 5) * 0x2000_0001) >>> 0,
          hashOfIndex,
        ),
        (steps, hash) => {
          // The row of a key is at ten times the key and one.
          const index = new RowIndex<number>((some, row) => row === some * 10 + 1)
          const reference = new Set<number>()
          for (const [add, some] of steps) {
            const row = some * 10 + 1
            if (add && !reference.has(some)) index.add(hash(some), row)
            if (!add && reference.has(some)) index.remove(hash(some), row)
            if (add) reference.add(some)
            else reference.delete(some)
            expect(index.size).toBe(reference.size)
            const found = keys.map((each) => index.find(hash(each), each))
            expect(found).toEqual(keys.map((each) => (reference.has(each) ? each * 10 + 1 : 0)))
          }
        },
      ),
    )
  })

  it('grows', () => {
    const index = new RowIndex<number>((some, row) => row === some)
    for (let i = 1; i <= 50_000; i++) index.add(hashOfIndex(i), i)
    expect(index.size).toBe(50_000)
    for (let i = 1; i <= 50_000; i += 997) expect(index.find(hashOfIndex(i), i)).toBe(i)
    expect(index.find(hashOfIndex(50_001), 50_001)).toBe(0)
    for (let i = 1; i <= 50_000; i++) index.remove(hashOfIndex(i), i)
    expect(index.size).toBe(0)
  })

  it('is given hashes that spread over all its parts', () => {
    const parts = new Set<number>()
    for (let i = 0; i < 5_000; i++) parts.add(hashOfIndex(3_000_000_000 + i) >>> 24)
    expect(parts.size).toBe(256)
    const names = new Set<number>()
    const key = new NameKey()
    for (let i = 0; i < 5_000; i++) names.add(key.set(`account-${i}`).hash >>> 24)
    expect(names.size).toBe(256)
    // Indexes beyond 32 bits are not folded onto those below.
    expect(hashOfIndex(2 ** 32 + 5)).not.toBe(hashOfIndex(5))
  })
})

describe('NameKey', () => {
  it('holds the bytes of any name, one after the other', () => {
    const key = new NameKey()
    fc.assert(
      fc.property(anyText(100), (name) => {
        key.set(name)
        expect(Buffer.from(key.bytes.subarray(0, key.length)).toString()).toBe(name)
        expect(new NameKey().set(name).hash).toBe(key.hash)
      }),
    )
  })

  it('is compared as bytes are', () => {
    const bytes = fc.uint8Array({ maxLength: 4 })
    fc.assert(
      fc.property(bytes, bytes, bytes, fc.nat(3), (shared, a, b, at) => {
        const left = Buffer.concat([Buffer.alloc(at, 9), shared, a])
        const right = Buffer.concat([shared, b])
        const expected = Buffer.compare(left.subarray(at), right)
        expect(Math.sign(compareBytes(left, at, left.length - at, right, 0, right.length))).toBe(expected)
      }),
    )
  })
})

describe('SortedRows', () => {
  /** The key of a row is its address. */
  const compare = (address: number, key: number): number => address - key

  it('is a sorted set', () => {
    const key = fc.integer({ min: 1, max: 40 })
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), key), { maxLength: 100 }), key, (steps, from) => {
        const rows = new SortedRows<number>(compare)
        const reference = new Set<number>()
        for (const [add, some] of steps) {
          if (add && !reference.has(some)) rows.add(some, some)
          if (!add && reference.has(some)) rows.remove(some)
          if (add) reference.add(some)
          else reference.delete(some)
        }
        const sorted = [...reference].sort((a, b) => a - b)
        expect([...rows.from(0)]).toEqual(sorted)
        expect([...rows.from(from)]).toEqual(sorted.filter((some) => some >= from))
      }),
    )
  })

  it.each([
    ['in order', (i: number) => i],
    ['in the reverse order', (i: number) => 4_999 - i],
    ['in no order', (i: number) => (i * 7_919) % 5_000],
  ])('splits and merges as it grows and shrinks, %s', (_, place) => {
    const rows = new SortedRows<number>(compare)
    const all = Array.from({ length: 5_000 }, (__, i) => place(i) + 1)
    for (const row of all) rows.add(row, row)
    const sorted = [...all].sort((a, b) => a - b)
    expect([...rows.from(0)]).toEqual(sorted)
    expect([...rows.from(2_501)]).toEqual(sorted.slice(2_500))
    const left = sorted.filter((row) => row % 50 === 0)
    for (const row of all) if (row % 50 !== 0) rows.remove(row)
    expect([...rows.from(0)]).toEqual(left)
    for (const row of left) rows.remove(row)
    expect([...rows.from(0)]).toEqual([])
  })
})
