import { bootstrapView, encodeView, majority } from '@chatroom/election'
import type { Position } from '@chatroom/replication-log'
import { describe, expect, it } from 'vitest'
import type { Effect } from '../src/core/effects.ts'
import type { Event } from '../src/core/events.ts'
import { defaultLimits } from '../src/core/limits.ts'
import type { Appended } from '../src/core/messages.ts'
import { type Core, createCore } from '../src/core/state.ts'
import { step } from '../src/core/step.ts'

const peer = { id: 1, disk: 'disk1', incarnation: 1 }
const start = { index: 70, term: 5 }

/** A leader of replicas 0 and 1 in term 6 whose log begins after a snapshot. */
function leader(): {
  core: Core
  happens: (event: Event) => Effect[]
  passes: (ms: number) => Effect[]
} {
  const view = { ...bootstrapView([0, 1]), clusterId: 'c' }
  const core = createCore({
    mode: majority,
    limits: defaultLimits,
    members: [0, 1],
    peers: [1],
    stored: {
      identity: { replicaId: 0, disk: 'disk0', incarnation: 1 },
      hardState: { term: 5, votedFor: null, clusterId: 'c' },
      snapshot: { ...start, view: encodeView(view), viewPosition: { index: 1, term: 1 }, time: 0, bytes: 10 },
      before: start,
      last: start,
      termStarts: [],
      views: [],
      tail: [],
    },
    appliedIndex: start.index,
    freshClusterId: 'unused',
    seed: 1,
  })
  let now = 1_000
  const happens = (event: Event): Effect[] => {
    const effects = step(core, event, now)
    for (const effect of effects)
      if (effect.type === 'persist') step(core, { type: 'persisted', persist: effect.persist }, now)
    return effects
  }
  happens({ type: 'tick', wallTime: 0 })
  const hello = {
    member: peer,
    clusterId: 'c',
    mode: 'majority',
    protocol: 1,
    clientAddress: '',
    pid: 1,
    processStart: '',
  }
  happens({ type: 'observe', observation: { type: 'attempting', peer: 1, attempt: 1 } })
  happens({ type: 'observe', observation: { type: 'connected', peer: 1, attempt: 1, hello } })
  const granted = {
    type: 'voteReply',
    granted: true,
    refusal: null,
    last: start,
    view: { ...view, index: 1, term: 1 },
    commit: start,
  } as const
  for (let passed = 0; passed < 2_000 && core.role !== 'leader'; passed += 10) {
    now += 10
    happens({ type: 'tick', wallTime: now })
    for (const pre of [true, false])
      happens({ type: 'receive', from: peer, message: { ...granted, term: core.term, pre } })
  }
  expect(core.role).toBe('leader')
  /** Time passes; the follower hears the leader, and says so. */
  const passes = (ms: number): Effect[] => {
    const effects: Effect[] = []
    for (const end = now + ms; now < end; ) {
      now += 10
      effects.push(...happens({ type: 'tick', wallTime: now }))
      const alive = { ...refusal(core, { index: 0, term: 0 }), accepted: true }
      effects.push(...happens({ type: 'receive', from: peer, message: alive }))
    }
    return effects
  }
  return { core, happens, passes }
}

function refusal(core: Core, hint: Position): Appended {
  return {
    type: 'appended',
    term: core.term,
    accepted: false,
    matchIndex: 0,
    hint,
    round: 0,
    commitIndex: 0,
    storageFull: false,
  }
}

describe('a follower that refuses what it is sent', () => {
  it('gets a snapshot if it has another entry where the log of the leader begins', () => {
    const { core, happens } = leader()
    const effects = happens({
      type: 'receive',
      from: peer,
      message: refusal(core, { index: start.index, term: start.term - 1 }),
    })
    expect(effects).toContainEqual({ type: 'readSnapshot', peer: 1, index: start.index, offset: 0 })
  })

  it('gets entries if it has the one where the log begins', () => {
    const { core, happens } = leader()
    const effects = happens({
      type: 'receive',
      from: peer,
      message: refusal(core, start),
    })
    const sent = effects.flatMap((effect) => (effect.type === 'send' ? [effect.message] : []))
    expect(sent).toMatchObject([{ type: 'append', previous: start, entries: [{ index: 71, kind: 'noop' }] }])
  })

  it('gets a part of a snapshot again if it does not answer: its way back may have broken alone', () => {
    const { core, happens, passes } = leader()
    happens({
      type: 'receive',
      from: peer,
      message: refusal(core, { index: start.index, term: start.term - 1 }),
    })
    const part = {
      type: 'snapshotRead',
      peer: 1,
      index: start.index,
      offset: 0,
      data: new Uint8Array(10),
      total: 10,
    } as const
    happens(part)
    const asked = { type: 'readSnapshot', peer: 1, index: start.index, offset: 0 }
    expect(passes(core.limits.snapshotRetryMs)).not.toContainEqual(asked)
    expect(passes(core.limits.heartbeatMs * 2)).toContainEqual(asked)
    const sent = happens(part).flatMap((effect) => (effect.type === 'send' ? [effect.message] : []))
    expect(sent).toMatchObject([{ type: 'snapshotChunk', snapshot: start, offset: 0 }])
  })
})
