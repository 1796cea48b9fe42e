import { entryBytes } from '@chatroom/replication-log'
import { describe, expect, it } from 'vitest'
import {
  command,
  commands,
  member,
  messagesIn,
  OneCore,
  type OneCoreOptions,
  only,
  viewEntry,
  viewOf,
} from './one-core.ts'

const [B, C] = [member(1), member(2)]

/** Replica 0 leads, elected by one of the others; replica 1 is linked to it. */
function leader(options: OneCoreOptions = {}, voter = C): OneCore {
  const core = new OneCore(options)
  core.elect(voter)
  core.connect(B)
  return core
}

function propose(core: OneCore, count: number, bytes = 100): void {
  const payloads = Array.from({ length: count }, () => new Uint8Array(bytes))
  core.happens({ type: 'propose', payloads, wallTime: 0 })
}

const sentBytes = (core: OneCore): number =>
  only('append', core.messages)
    .flatMap(({ entries }) => entries)
    .reduce((sum, entry) => sum + entryBytes(entry), 0)

it("a leader's entries are sent before its own disk is told of them", () => {
  const core = leader({}, B)
  core.receive(B, core.appended({}))
  const effects = core.happens({ type: 'propose', payloads: [new Uint8Array(1)], wallTime: 0 })
  const order = effects.map(({ type }) => type).filter((type) => type === 'send' || type === 'persist')
  expect(order).toEqual(['send', 'persist'])
})

it('what two followers lack alike is one list', () => {
  const core = leader()
  core.connect(C)
  for (const peer of [B, C]) core.receive(peer, core.appended({}))
  propose(core, 3)
  const [toB, toC] = only('append', core.messages).slice(-2)
  expect(toB?.entries).toHaveLength(3)
  expect(toC?.entries).toBe(toB?.entries)
})

it('what does not fit into one message goes in several, to each follower', () => {
  const core = leader({ limits: { appendBytes: 1 } })
  core.connect(C)
  for (const peer of [B, C]) core.receive(peer, core.appended({}))
  propose(core, 3)
  const { index } = core.core.log.last
  const sent = only('append', core.messages).slice(-6)
  expect(sent.map(({ entries }) => entries.map((entry) => entry.index))).toEqual(
    [0, 1].flatMap(() => [[index - 2], [index - 1], [index]]),
  )
})

describe('a follower that lags', () => {
  it('is probed with one message until it answers, then gets the rest in a row', () => {
    const core = leader({ entries: commands(1, 1, 1) })
    expect(only('append', core.messages)).toHaveLength(1)
    const next = core.receive(B, core.appended({ accepted: false, hint: { index: 1, term: 1 } }))
    expect(only('append', next).map(({ previous, entries }) => [previous.index, entries.length])).toEqual([
      [1, 3],
    ])
    core.receive(B, core.appended({}))
    expect(core.core.lead?.progress.get(1)?.state).toBe('replicate')
  })

  it('that never answers is not sent more and more, however long', () => {
    const core = leader({ entries: Array.from({ length: 50 }, (_, at) => command(at + 1, 1)) })
    core.receive(B, core.appended({ accepted: false, hint: { index: 0, term: 0 } }))
    const before = sentBytes(core)
    for (let round = 0; round < 100; round++) {
      core.tick(50)
      core.receive(C, core.presence({}))
    }
    expect(core.core.role).toBe('leader')
    expect(sentBytes(core)).toBe(before)
    // It is still asked, so that it is heard as soon as it speaks.
    expect(only('append', messagesIn(core.tick(50)))).toMatchObject([{ entries: [] }])
  })

  it('gets what is committed without it in small pieces, one at a time, until it is near', () => {
    const core = leader({ limits: { joinLagEntries: 5, catchUpBytes: 500 } })
    core.connect(C)
    core.receive(C, core.appended({}))
    propose(core, 20)
    core.receive(C, core.appended({}))
    const { index } = core.core.log.last
    expect(core.core.commitIndex).toBe(index)
    core.receive(B, core.appended({ matchIndex: 1 }))
    const progress = core.core.lead?.progress.get(1)
    expect(progress?.inflight).toHaveLength(1)
    expect(progress?.inflightBytes).toBeLessThanOrEqual(500)
    // Near the end it is a follower like any other.
    core.receive(B, core.appended({ matchIndex: index - 5 }))
    propose(core, 1)
    propose(core, 1)
    expect(progress?.inflight.length).toBeGreaterThan(1)
  })

  it('is not sent more messages, or more bytes, than may be under way', () => {
    const few = leader({ limits: { inflightMessages: 2, appendBytes: 1 } }, B)
    few.receive(B, few.appended({}))
    for (let count = 0; count < 10; count++) propose(few, 1)
    const progress = few.core.lead?.progress.get(1)
    expect(progress?.inflight).toHaveLength(2)
    const small = leader({ limits: { inflightMessages: 100, inflightBytes: 500, appendBytes: 1 } }, B)
    small.receive(B, small.appended({}))
    for (let count = 0; count < 10; count++) propose(small, 1)
    expect(small.core.lead?.progress.get(1)?.inflightBytes).toBeGreaterThanOrEqual(500)
    expect(small.core.lead?.progress.get(1)?.inflightBytes).toBeLessThan(500 + 2 * 164)
    // What is answered makes room for what waits.
    const { match = 0 } = progress ?? {}
    const more = few.receive(B, few.appended({ matchIndex: match + 1 }))
    expect(only('append', more)).toHaveLength(1)
  })

  it('gets what is no longer in memory from the storage, a message at a time', () => {
    const core = leader({ entries: commands(1, 1, 1, 1), notInMemory: 3 })
    core.receive(B, core.appended({ accepted: false, hint: { index: 1, term: 1 } }))
    // First it has to agree on where it stands.
    expect(only('append', core.messages).at(-1)).toMatchObject({
      previous: { index: 1, term: 1 },
      entries: [],
    })
    const effects = core.happens({ type: 'receive', from: B, message: core.appended({ matchIndex: 1 }) })
    expect(effects).toMatchObject([{ type: 'readLog', peer: 1, from: 2 }])
    expect(core.happens({ type: 'receive', from: B, message: core.appended({ matchIndex: 1 }) })).toEqual([])
    const read = core.happens({ type: 'logRead', peer: 1, from: 2, entries: [command(2, 1), command(3, 1)] })
    expect(only('append', messagesIn(read))).toMatchObject([
      { previous: { index: 1 }, entries: [{ index: 2 }, { index: 3 }] },
      { previous: { index: 3 }, entries: [{ index: 4 }, { index: 5 }] },
    ])
  })

  it('is not sent what was read for it and is not true any more', () => {
    const core = leader({ entries: commands(1, 1, 1, 1), notInMemory: 3 })
    core.receive(B, core.appended({ accepted: false, hint: { index: 1, term: 1 } }))
    core.receive(B, core.appended({ matchIndex: 1 }))
    // Its link broke and opened meanwhile: nothing is known of where it stands.
    core.connect(B)
    const before = only('append', core.messages).length
    core.happens({ type: 'logRead', peer: 1, from: 2, entries: [command(2, 1)] })
    core.happens({ type: 'logRead', peer: 6, from: 2, entries: [command(2, 1)] })
    expect(
      only('append', core.messages)
        .slice(before)
        .flatMap(({ entries }) => entries),
    ).toEqual([])
    // What could not be read is asked for again.
    core.receive(B, core.appended({ accepted: false, hint: { index: 1, term: 1 } }))
    core.receive(B, core.appended({ matchIndex: 1 }))
    const again = core.happens({ type: 'logRead', peer: 1, from: 2, entries: [] })
    expect(again).toMatchObject([{ type: 'readLog', peer: 1, from: 2 }])
  })

  it('hears how far the log is committed with the next message', () => {
    const core = leader()
    core.receive(B, core.appended({}))
    expect(only('append', core.messages).at(-1)).toMatchObject({ commitIndex: core.core.commitIndex })
  })
})

describe('entries in memory', () => {
  it('are kept for followers up to a bound, and those that are not applied always', () => {
    const core = new OneCore({ members: [0], limits: { cacheBytes: 1_000 } })
    core.elect()
    propose(core, 100)
    expect(core.core.log.cachedBytes).toBeGreaterThan(10_000)
    core.tick(10)
    expect(core.core.log.cachedBytes).toBeGreaterThan(10_000)
    core.happens({ type: 'applied', index: core.core.commitIndex })
    core.tick(10)
    expect(core.core.log.cachedBytes).toBeLessThanOrEqual(1_000)
  })

  it('are few as soon as every replica has them', () => {
    const core = leader({
      limits: { recentBytes: 1_000 },
      entries: [viewEntry(1, 1, viewOf(member(0), B, C))],
    })
    core.connect(C)
    core.receive(B, core.appended({}))
    core.receive(C, core.appended({}))
    propose(core, 100)
    core.flush()
    core.receive(B, core.appended({}))
    core.happens({ type: 'applied', index: core.core.commitIndex })
    core.tick(10)
    expect(core.core.log.cachedBytes).toBeGreaterThan(10_000)
    core.receive(C, core.appended({}))
    core.tick(10)
    expect(core.core.log.cachedBytes).toBeLessThanOrEqual(1_000)
  })
})
