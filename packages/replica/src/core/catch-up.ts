import type { CatchUp, Core, Progress } from './state.ts'

export function beginCatchUp(lastIndex: number, now: number): CatchUp {
  return { goal: lastIndex, since: now, rounds: 0, lastMs: Number.POSITIVE_INFINITY }
}

/** After an answer of the peer: perhaps a round is over, and the next one begins. */
export function noteCatchUp(core: Core, { match, catchUp }: Progress): void {
  if (match < catchUp.goal) return
  const end = core.log.last.index
  // Who has everything is as near as can be, however long nothing new came.
  catchUp.lastMs = match === end ? 0 : core.now - catchUp.since
  catchUp.rounds++
  catchUp.goal = end
  catchUp.since = core.now
}

/**
 * Whether the view may name it: what is committed from then on waits for it, so it has to be as near the end of the log as those are who count already.
 * A fixed number of entries would not do: under load a slow disk needs a second for what a fast one takes in at once.
 */
export function hasCaughtUp(core: Core, { match, catchUp }: Progress): boolean {
  const { joinLagEntries, joinRoundMs, joinRounds } = core.limits
  const late = core.log.last.index - match
  if (late > joinLagEntries) return false
  return late === 0 || catchUp.lastMs <= joinRoundMs || catchUp.rounds >= joinRounds
}

/** It lacks much, and what it lacks is committed without it. */
export function isFarBehind(core: Core, { match }: Progress): boolean {
  return core.commitIndex - match > core.limits.joinLagEntries
}
