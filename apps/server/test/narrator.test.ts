import type { ReplicaStatus } from '@chatroom/replica'
import { describe, expect, test } from 'vitest'
import { createNarrator, type Narrator } from '../src/dev/narrator.ts'
import type { Answer } from '../src/dev/status-polls.ts'

const limits = { settle: 100, succession: 500, leaderless: 2_000, silent: 2_000 }
const silent: Answer = { status: null, refused: false, reason: 'no answer within 1,000 ms' }
const refused: Answer = { status: null, refused: true, reason: 'nobody listens there' }

function answer(id: number, changes: Partial<ReplicaStatus> & { members?: readonly number[] } = {}): Answer {
  const { members = [0, 1, 2], ...rest } = changes
  const placed = members.map((member) => ({ id: member, disk: 'd', incarnation: 1 }))
  return {
    status: {
      id,
      pid: 100 + id,
      disk: 'd',
      incarnation: 1,
      clusterId: 'c',
      mode: 'fail-stop',
      role: rest.serving === true ? 'leader' : 'follower',
      machineVersion: 1,
      commonVersion: 1,
      term: 1,
      leader: null,
      leaderAddress: null,
      serving: false,
      view: { index: 1, term: 1, members: placed, learners: [], clusterId: 'c' },
      viewInForce: true,
      admitted: true,
      commitIndex: 1,
      appliedIndex: 1,
      lastIndex: 1,
      snapshotIndex: 0,
      crashesTolerated: members.length - 1,
      waiting: [],
      slowestMember: null,
      peers: [],
      ...rest,
    },
  }
}

/** Three replicas that run, replica 0 leads, and all of that has been told. */
function running(): Narrator {
  const narrator = createNarrator(3, limits)
  for (const id of [0, 1, 2]) {
    narrator.started(id, 100 + id)
    narrator.answered(id, answer(id, { serving: id === 0 }), 0)
  }
  narrator.toldAll()
  return narrator
}

test('nothing new is told once', () => {
  const narrator = running()
  expect(narrator.leader).toEqual({ id: 0, term: 1 })
  expect([0, 1, 2].flatMap((id) => narrator.answered(id, answer(id, { serving: id === 0 }), 5_000))).toEqual(
    [],
  )
})

test('a follower that dies: who goes on, once it has settled', () => {
  const narrator = running()
  narrator.died(2, 1_000)
  const after = (crashesTolerated: number, at: number): string[] =>
    narrator.answered(0, answer(0, { serving: true, members: [0, 1], crashesTolerated }), at)
  expect(narrator.answered(2, refused, 1_001)).toEqual([])
  expect(after(0, 1_010)).toEqual([])
  expect(after(1, 1_020)).toEqual([])
  expect(after(1, 1_119)).toEqual([])
  expect(after(1, 1_120)).toEqual(['replicas 0, 1 carry the chat; 1 more may crash.'])
  expect(after(1, 9_000)).toEqual([])
})

test('a view that is not in force yet is not told', () => {
  const narrator = running()
  narrator.died(2, 1_000)
  const status = answer(0, { serving: true, members: [0, 1], viewInForce: false })
  expect(narrator.answered(0, status, 1_010)).toEqual([])
  expect(narrator.answered(0, status, 2_000)).toEqual([])
})

test('the leader dies: how long it took until another serves', () => {
  const narrator = running()
  narrator.died(0, 1_000)
  expect(narrator.leader).toBe(null)
  expect(narrator.answered(1, answer(1), 1_020)).toEqual([])
  expect(narrator.answered(1, answer(1, { serving: true, term: 2, members: [1, 2] }), 1_084)).toEqual([
    'replica 1 leads, 84 ms after replica 0 died (term 2).',
  ])
  narrator.died(2, 1_100)
  narrator.answered(1, answer(1, { serving: true, term: 2, members: [1] }), 1_200)
  expect(narrator.answered(1, answer(1, { serving: true, term: 2, members: [1] }), 1_300)).toEqual([
    'replica 1 carries the chat alone; no more may crash.',
  ])
})

test('the end of the leader is heard of after its successor: that is told when it is known what happened', () => {
  const narrator = running()
  const successor = answer(1, { serving: true, term: 2, members: [1, 2] })
  expect(narrator.answered(1, successor, 1_000)).toEqual([])
  narrator.died(0, 1_001)
  expect(narrator.answered(1, successor, 1_011)).toEqual([
    'replica 1 leads, 10 ms after replica 0 died (term 2).',
  ])
})

describe('leadership that moves without a death', () => {
  const successor = answer(2, { serving: true, term: 5 })

  test('is told when the leader before says that it leads no more', () => {
    const narrator = running()
    expect(narrator.answered(2, successor, 1_000)).toEqual([])
    expect(narrator.answered(0, answer(0, { serving: false, term: 5 }), 1_001)).toEqual([])
    expect(narrator.answered(2, successor, 1_010)).toEqual(['replica 2 leads now (term 5).'])
    expect(narrator.leader).toEqual({ id: 2, term: 5 })
  })

  test('and of which the leader before knows nothing yet, is told a little later', () => {
    const narrator = running()
    expect(narrator.answered(2, successor, 1_000)).toEqual([])
    expect(narrator.answered(0, answer(0, { serving: true, term: 1 }), 1_300)).toEqual([])
    expect(narrator.answered(2, successor, 1_499)).toEqual([])
    expect(narrator.answered(2, successor, 1_500)).toEqual(['replica 2 leads now (term 5).'])
    expect(narrator.answered(0, answer(0, { serving: true, term: 1 }), 1_501)).toEqual([])
    expect(narrator.leader).toEqual({ id: 2, term: 5 })
  })

  test('is known before it is told', () => {
    const narrator = running()
    narrator.answered(2, successor, 1_000)
    expect(narrator.leader).toEqual({ id: 2, term: 5 })
  })

  test('and back again, and the leader dies long after that: told after its death', () => {
    const narrator = running()
    narrator.answered(2, successor, 1_000)
    const back = answer(0, { serving: true, term: 6 })
    expect(narrator.answered(0, back, 1_100)).toEqual([])
    expect(narrator.answered(2, answer(2, { term: 6 }), 1_200)).toEqual([])
    expect(narrator.answered(0, back, 1_210)).toEqual(['replica 0 leads now (term 6).'])
    const next = answer(1, { serving: true, term: 7, members: [1, 2] })
    expect(narrator.answered(1, next, 9_000)).toEqual([])
    narrator.died(0, 9_001)
    expect(narrator.answered(1, next, 9_011)).toEqual([
      'replica 1 leads, 10 ms after replica 0 died (term 7).',
    ])
  })

  test('to one that dies before that is told: the next is told after its death', () => {
    const narrator = running()
    narrator.answered(2, successor, 1_000)
    narrator.died(2, 1_300)
    expect(narrator.answered(1, answer(1, { serving: true, term: 6 }), 1_350)).toEqual([
      'replica 1 leads, 50 ms after replica 2 died (term 6).',
    ])
  })

  test('twice is waited for twice', () => {
    const narrator = running()
    narrator.answered(2, successor, 1_000)
    narrator.answered(2, successor, 1_500)
    expect(narrator.answered(1, answer(1, { serving: true, term: 6 }), 2_000)).toEqual([])
    expect(narrator.answered(1, answer(1, { serving: true, term: 6 }), 2_500)).toEqual([
      'replica 1 leads now (term 6).',
    ])
  })
})

test('nobody leads: what they wait for, in their words, once', () => {
  const narrator = running()
  narrator.died(0, 1_000)
  const waiting = answer(1, {
    waiting: [{ for: 'votes', replicas: [2], words: 'waits for the vote of replica 2', sinceMs: 5 }],
  })
  expect(narrator.answered(1, waiting, 2_999)).toEqual([])
  expect(narrator.answered(1, waiting, 3_000)).toEqual([
    'nobody leads (replica 1: waits for the vote of replica 2).',
  ])
  expect(narrator.answered(1, waiting, 3_500)).toEqual([])
  expect(narrator.answered(1, answer(1, { serving: true, term: 2 }), 4_000)).toEqual([
    'replica 1 leads, 3000 ms after replica 0 died (term 2).',
  ])
})

test('all have died', () => {
  const narrator = running()
  for (const id of [0, 1, 2]) narrator.died(id, 1_000)
  expect(narrator.answered(0, refused, 2_500)).toEqual([])
  expect(narrator.answered(0, refused, 3_000)).toEqual(['no replica runs.'])
})

test('in majority mode those carry the chat that the leader reaches', () => {
  const narrator = running()
  const peers = [1, 2].map((id) => ({
    id,
    address: '',
    connected: id === 2,
    member: null,
    inView: true,
    provenDead: false,
    progress: null,
    matchIndex: null,
    silentMs: null,
  }))
  const status = answer(0, { mode: 'majority', serving: true, peers, crashesTolerated: 0 })
  narrator.died(1, 1_000)
  narrator.answered(0, status, 1_010)
  expect(narrator.answered(0, status, 1_200)).toEqual(['replicas 0, 2 carry the chat; no more may crash.'])
})

describe('a replica that was brought back', () => {
  test('by hand', () => {
    const narrator = running()
    narrator.died(2, 1_000)
    narrator.answered(0, answer(0, { serving: true, members: [0, 1] }), 1_010)
    narrator.answered(0, answer(0, { serving: true, members: [0, 1] }), 1_200)
    expect(narrator.answered(2, answer(2, { pid: 777, role: 'returnee' }), 2_000)).toEqual([
      'replica 2 is back (pid 777, started by hand).',
    ])
    expect(narrator.foreign).toEqual([{ id: 2, pid: 777 }])
    narrator.answered(0, answer(0, { serving: true }), 2_100)
    expect(narrator.answered(0, answer(0, { serving: true }), 2_200)).toEqual([
      'replica 2 counts again; replicas 0, 1, 2 carry the chat; 2 more may crash.',
    ])
    expect(narrator.answered(2, refused, 3_000)).toEqual(['replica 2 (pid 777, started by hand) ended.'])
    expect(narrator.foreign).toEqual([])
  })

  test('by the launcher: no news but that it counts', () => {
    const narrator = running()
    narrator.died(2, 1_000)
    narrator.started(2, 888)
    expect(narrator.answered(2, refused, 1_100)).toEqual([])
    expect(narrator.answered(2, answer(2, { pid: 888 }), 1_200)).toEqual([])
    expect(narrator.foreign).toEqual([])
  })

  test('not, when an answer was still on its way as its process ended: that is no news, and the next leader is told after its death', () => {
    const narrator = running()
    narrator.died(0, 1_000)
    expect(narrator.answered(0, answer(0, { serving: true }), 1_001)).toEqual([])
    expect(narrator.leader).toBe(null)
    expect(narrator.foreign).toEqual([])
    expect(narrator.answered(1, answer(1, { serving: true, term: 2, members: [1, 2] }), 1_050)).toEqual([
      'replica 1 leads, 50 ms after replica 0 died (term 2).',
    ])
  })

  test('by hand, leads and ends', () => {
    const narrator = running()
    narrator.died(0, 1_000)
    narrator.answered(0, answer(0, { pid: 777, serving: true, term: 3 }), 2_000)
    expect(narrator.leader).toEqual({ id: 0, term: 3 })
    narrator.answered(0, refused, 3_000)
    expect(narrator.leader).toBe(null)
    expect(narrator.answered(1, answer(1, { serving: true, term: 4 }), 3_050)).toEqual([
      'replica 1 leads, 50 ms after replica 0 ended (term 4).',
    ])
  })
})

test('a replica that is silent, and answers again', () => {
  const narrator = running()
  expect(narrator.answered(1, silent, 1_000)).toEqual([])
  expect(narrator.answered(1, silent, 2_999)).toEqual([])
  expect(narrator.answered(1, silent, 3_000)).toEqual([
    'replica 1 (pid 101) does not answer: no answer within 1,000 ms.',
  ])
  expect(narrator.answered(1, silent, 4_000)).toEqual([])
  expect(narrator.answered(1, answer(1), 5_000)).toEqual(['replica 1 answers again.'])
})

test('a leader that falls silent: the time counts from its silence', () => {
  const narrator = running()
  narrator.answered(0, silent, 1_000)
  narrator.answered(0, silent, 3_000)
  expect(narrator.answered(1, answer(1, { serving: true, term: 2 }), 3_100)).toEqual([
    'replica 1 leads, 2100 ms after replica 0 fell silent (term 2).',
  ])
})
