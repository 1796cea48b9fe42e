import { describe, expect, it } from 'vitest'
import { CoreCluster } from './core-cluster.ts'
import { isolate, leaderOf, reads } from './raft-cluster.ts'

const DRIFT = 0.1

function running(): { cluster: CoreCluster; leader: number; others: [number, number] } {
  const cluster = new CoreCluster('majority', [0, 1, 2], { leaseClockDrift: DRIFT })
  cluster.start(0, 1, 2)
  cluster.pass(1_500)
  const leader = leaderOf(cluster)
  return { cluster, leader, others: [(leader + 1) % 3, (leader + 2) % 3] }
}

/** Whether a read that is asked now is answered before anything else happens. */
function answersAtOnce(cluster: CoreCluster, id: number): boolean {
  const ticket = cluster.effects.length
  cluster.dispatch(id, { type: 'read', ticket })
  return reads(cluster).includes(ticket)
}

describe('reads from a lease (thesis §6.4.1)', () => {
  it('are answered without a message while a majority has answered lately', () => {
    const { cluster, leader } = running()
    expect(answersAtOnce(cluster, leader)).toBe(true)
  })

  it('end an election timeout after the last confirmed round, less the drift of the clocks', () => {
    const { cluster, leader } = running()
    isolate(cluster, leader)
    const { confirmedAt } = cluster.core(leader).lead ?? { confirmedAt: 0 }
    cluster.now = Math.ceil(confirmedAt + cluster.limits.electionTimeoutMs * (1 - DRIFT)) - 1
    expect(answersAtOnce(cluster, leader)).toBe(true)
    cluster.now += 1
    expect(answersAtOnce(cluster, leader)).toBe(false)
  })

  it('end when this replica itself stood still (rule 8)', () => {
    const { cluster, leader } = running()
    cluster.now += cluster.limits.stallMs + 1
    cluster.dispatch(leader, { type: 'tick', wallTime: cluster.now })
    expect(answersAtOnce(cluster, leader)).toBe(false)
  })

  it('hold against a follower whose connect is refused: it bears with the leader as long as the lease may last', () => {
    const { cluster, leader, others } = running()
    isolate(cluster, leader)
    for (const id of others) {
      cluster.dispatch(id, { type: 'observe', observation: { type: 'disconnected', peer: leader } })
      cluster.dispatch(id, {
        type: 'observe',
        observation: { type: 'attempting', peer: leader, attempt: 9_999 },
      })
      cluster.dispatch(id, {
        type: 'observe',
        observation: { type: 'refused', peer: leader, attempt: 9_999, exact: false },
      })
    }
    // The leader's lease counts from the beginning of a round, the followers from its arrival.
    while (answersAtOnce(cluster, leader)) {
      cluster.pass(10)
      expect(cluster.leaders()).toEqual([leader])
    }
    cluster.pass(2_000)
    expect(cluster.leaders()).not.toContain(leader)
    expect(cluster.leaders()).toHaveLength(1)
  })

  it('hold against a later term that a follower hears of', () => {
    const { cluster, leader, others } = running()
    const [voter, candidate] = others
    isolate(cluster, leader)
    const { self, term } = cluster.core(candidate)
    // An old refusal of the candidate, which has stood in vain before.
    const { last } = cluster.core(candidate).log
    const [view] = cluster.core(voter).views
    const commit = { index: 0, term: 0 }
    if (view === undefined) throw new Error('no view')
    cluster.dispatch(voter, {
      type: 'receive',
      from: self,
      message: {
        type: 'voteReply',
        term: term + 1,
        pre: true,
        granted: false,
        refusal: 'stale term',
        last,
        view,
        commit,
      },
    })
    cluster.dispatch(voter, {
      type: 'receive',
      from: self,
      message: {
        type: 'voteRequest',
        term: term + 2,
        pre: false,
        recovery: false,
        transfer: false,
        last: cluster.core(candidate).log.last,
        view: cluster.core(candidate).views.at(-1) ?? view,
        commit,
        dead: [],
      },
    })
    expect(answersAtOnce(cluster, leader)).toBe(true)
    expect(cluster.core(voter).votedFor).not.toBe(candidate)
  })

  it('are over for this term once a hand-over was asked for, for the request may arrive late', () => {
    const { cluster, leader, others } = running()
    const [target] = others
    cluster.cut.add(`${leader}>${target}`)
    cluster.dispatch(leader, { type: 'transfer', to: target })
    cluster.pass(cluster.limits.transferMs + 500)
    expect(cluster.effects.some(({ effect }) => effect.type === 'transferred' && !effect.ok)).toBe(true)
    expect(leaderOf(cluster)).toBe(leader)
    expect(answersAtOnce(cluster, leader)).toBe(false)
  })

  it('are stale where the assumption does not hold: a follower whose clock runs at twice the rate elects too early', () => {
    const { cluster, leader, others } = running()
    isolate(cluster, leader)
    const lease = cluster.limits.electionTimeoutMs * (1 - DRIFT)
    const began = cluster.now
    // Time passes for the others only, as if the leader's clock stood still: it believes in its lease.
    while (cluster.leaders().length < 2 && cluster.now < began + 5_000) {
      cluster.now += 10
      for (const id of others) cluster.dispatch(id, { type: 'tick', wallTime: cluster.now })
      cluster.settle()
    }
    const [successor] = cluster.leaders().filter((id) => id !== leader)
    cluster.propose(successor ?? -1, 'new')
    cluster.settle()
    expect(cluster.commands(successor ?? -1)).toContain('new')
    cluster.now = began + lease / 2
    expect(answersAtOnce(cluster, leader)).toBe(true)
    expect(cluster.commands(leader)).not.toContain('new')
  })
})
