import type { ServiceContext } from './context.ts'
import { leadershipOf } from './leadership.ts'

/**
 * On the leader: proposes that sessions end and kept replies are forgotten once their time has come. What ends is decided by the time in the log, so
 * a leader whose clock is off can only be early or late with the proposal, not wrong about it.
 */
export function startHousekeeping(context: Pick<ServiceContext, 'replica' | 'clock' | 'limits'>): () => void {
  const { replica, clock, limits } = context
  let underWay = false
  const done = (): void => {
    underWay = false
  }
  return clock.every(limits.housekeepingIntervalMs, () => {
    if (underWay) return
    const due = replica.stateMachine.nextExpiry()
    if (due === null || due > clock.now() || leadershipOf(replica)?.serving !== true) return
    underWay = true
    // Refused because leadership ends or the disk is full: the next round, here or at the next leader, tries again.
    replica.propose({ type: 'expire' }).then(done, done)
  })
}
