import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Entry, entryBytes, type Position, ReplicatedLog } from '../src/index.ts'

function entry(index: number, term: number): Entry {
  return { index, term, time: 0, kind: 'command', payload: new Uint8Array(index % 5) }
}

/** A log of these terms, the first at index 1. */
function logOf(terms: readonly number[]): ReplicatedLog {
  const log = new ReplicatedLog()
  log.append(terms.map((term, at) => entry(at + 1, term)))
  return log
}

const termsOf = (log: ReplicatedLog): (number | undefined)[] =>
  Array.from({ length: log.last.index }, (_, at) => log.termAt(at + 1))

const ascending = fc
  .array(fc.integer({ min: 0, max: 2 }), { maxLength: 30 })
  .map((steps) => steps.map((_, at) => 1 + steps.slice(0, at + 1).reduce((sum, step) => sum + step, 0)))

describe('a log', () => {
  it('knows the term of every entry, as an array does', () => {
    fc.assert(
      fc.property(ascending, (terms) => {
        const log = logOf(terms)
        expect(termsOf(log)).toEqual(terms)
        expect(log.termAt(0)).toBe(0)
        expect(log.termAt(terms.length + 1)).toBeUndefined()
        expect(log.last).toMatchObject({ index: terms.length, term: terms.at(-1) ?? 0 })
      }),
    )
  })

  it('after a truncation is what it was before the removed entries came', () => {
    fc.assert(
      fc.property(ascending, fc.nat(40), (terms, cut) => {
        const log = logOf(terms)
        log.markDurable(terms.length)
        log.truncateFrom(cut + 1)
        expect(termsOf(log)).toEqual(terms.slice(0, cut))
        expect(log.durable).toBe(Math.min(cut, terms.length))
        log.append([entry(log.last.index + 1, 99)])
        expect(log.termAt(log.last.index)).toBe(99)
      }),
    )
  })

  it('becomes that of the leader by what reconcile says (Raft §5.3)', () => {
    fc.assert(
      fc.property(ascending, ascending, fc.nat(30), fc.nat(30), (mine, theirs, at, count) => {
        const log = logOf(mine)
        const leader = logOf(theirs)
        const previous: Position = {
          index: Math.min(at, theirs.length),
          term: leader.termAt(Math.min(at, theirs.length)) ?? 0,
        }
        const sent = (leader.slice(previous.index + 1, Number.POSITIVE_INFINITY) ?? []).slice(0, count)
        const change = log.reconcile(previous, sent)
        expect(change !== undefined).toBe(log.has(previous))
        fc.pre(change !== undefined)
        const before = termsOf(log)
        if (change.truncateFrom !== null) log.truncateFrom(change.truncateFrom)
        log.append(change.append)
        const end = previous.index + sent.length
        expect(termsOf(log).slice(previous.index, end)).toEqual(sent.map(({ term }) => term))
        // Nothing that agrees is removed: a late message must not undo what a newer one brought.
        const conflict = sent.find((item) => (before[item.index - 1] ?? item.term) !== item.term)
        const kept = conflict === undefined ? before.length : conflict.index - 1
        expect(termsOf(log).slice(0, kept)).toEqual(before.slice(0, kept))
      }),
    )
  })

  it('finds where two logs agree in as many steps as there are terms', () => {
    fc.assert(
      fc.property(ascending, ascending, (mine, theirs) => {
        // Logs that agree on an entry agree on all before it (log matching): make the two share a prefix and differ after it.
        const follower = logOf(mine)
        const leader = logOf(theirs.map((term) => term * 2 + 1000))
        let position: Position = leader.last
        let steps = 0
        while (!follower.has(position)) {
          const hint = follower.agreementHint(position)
          position = leader.has(hint) ? hint : leader.agreementHint(hint)
          steps++
          expect(steps).toBeLessThanOrEqual(2 * (mine.length + theirs.length) + 1)
        }
        expect(leader.has(position)).toBe(true)
      }),
    )
  })

  it('gives what is in memory, and says when it is not there any more', () => {
    const log = logOf([1, 1, 2, 2, 3])
    log.markDurable(5)
    expect(log.slice(2, 1)?.map(({ index }) => index)).toEqual([2])
    expect(
      log.slice(2, entryBytes(entry(2, 1)) + entryBytes(entry(3, 2)))?.map(({ index }) => index),
    ).toEqual([2, 3])
    expect(log.slice(6, 100)).toEqual([])
    log.trim(0, 3)
    expect(log.cachedFrom).toBe(4)
    expect(log.slice(3, 100)).toBeNull()
    expect(log.entryAt(3)).toBeUndefined()
    expect(log.entryAt(4)?.term).toBe(2)
    expect(log.termAt(3)).toBe(2)
  })

  it('keeps in memory what is not durable', () => {
    const log = logOf([1, 1, 1])
    log.markDurable(1)
    log.trim(0, 3)
    expect(log.cachedFrom).toBe(2)
  })

  it('gives the room of thousands of trimmed entries back, and goes on', () => {
    const log = logOf(Array.from({ length: 3_000 }, () => 1))
    log.markDurable(3_000)
    log.trim(0, 2_999)
    expect([log.cachedFrom, log.entryAt(2_999), log.entryAt(3_000)?.index]).toEqual([3_000, undefined, 3_000])
    log.append([entry(3_001, 2)])
    expect(log.slice(3_000, 10_000)?.map(({ index }) => index)).toEqual([3_000, 3_001])
  })

  it('counts bytes as its entries do, whatever was cut and trimmed', () => {
    fc.assert(
      fc.property(ascending, fc.nat(30), fc.nat(30), (terms, cut, upTo) => {
        const log = logOf(terms)
        log.markDurable(terms.length)
        log.trim(entryBytes(entry(1, 1)) * 3, upTo)
        log.truncateFrom(Math.max(cut, log.before.index + 1))
        let bytes = 0
        for (let index = log.cachedFrom; index <= log.last.index; index++) {
          const kept = log.entryAt(index)
          if (kept !== undefined) bytes += entryBytes(kept)
        }
        expect(log.cachedBytes).toBe(bytes)
      }),
    )
  })

  it('goes on after its compacted beginning', () => {
    const log = logOf([1, 1, 2, 3, 3])
    log.compactTo(3)
    expect(log.before).toEqual({ index: 3, term: 2 })
    expect(log.termAt(2)).toBeUndefined()
    expect(log.has({ index: 3, term: 2 })).toBe(true)
    expect(log.reconcile({ index: 1, term: 1 }, [entry(2, 1), entry(3, 2), entry(4, 3)])).toEqual({
      truncateFrom: null,
      append: [],
    })
    expect(log.reconcile({ index: 1, term: 1 }, [entry(2, 1)])).toEqual({ truncateFrom: null, append: [] })
    expect(() => log.truncateFrom(3)).toThrow(RangeError)
    expect(() => log.compactTo(9)).toThrow(RangeError)
    log.compactTo(1)
    expect(log.before.index).toBe(3)
  })

  it('is replaced by a snapshot it does not lead to, and keeps what follows one it has', () => {
    const keeps = logOf([1, 1, 2])
    keeps.resetTo({ index: 2, term: 1 })
    expect(keeps.last).toMatchObject({ index: 3, term: 2 })
    const replaced = logOf([1, 1, 1])
    replaced.resetTo({ index: 2, term: 4 })
    expect([replaced.before, replaced.last, replaced.durable]).toEqual([
      { index: 2, term: 4 },
      { index: 2, term: 4 },
      2,
    ])
    replaced.append([entry(3, 4)])
    expect(replaced.termAt(3)).toBe(4)
  })

  it('refuses entries that do not follow, and a beginning that does not fit', () => {
    const log = logOf([2])
    expect(() => log.append([entry(3, 2)])).toThrow(RangeError)
    expect(() => log.append([entry(2, 1)])).toThrow(RangeError)
    const start = {
      before: { index: 0, term: 0 },
      last: { index: 2, term: 1 },
      termStarts: [{ index: 1, term: 1 }],
    }
    expect(() => new ReplicatedLog({ ...start, tail: [entry(1, 1)] })).toThrow(RangeError)
    expect(new ReplicatedLog({ ...start, tail: [entry(2, 1)] }).slice(1, 100)).toBeNull()
  })

  it('is compared by its end (Raft §5.4.1)', () => {
    const log = logOf([1, 2])
    expect(log.isAtMost({ index: 2, term: 2 })).toBe(true)
    expect(log.isAtMost({ index: 1, term: 3 })).toBe(true)
    expect(log.isAtMost({ index: 9, term: 1 })).toBe(false)
    expect(log.isAtMost({ index: 1, term: 2 })).toBe(false)
  })
})
