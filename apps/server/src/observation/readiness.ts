import type { ReplicaStatus } from '@chatroom/replica'

/** One thing that has to be so, and why it is not; null if it is. */
export interface Check {
  readonly name: string
  readonly fault: string | null
}

/** What readiness looks at in a replica's status. */
export type Readable = Pick<
  ReplicaStatus,
  'leader' | 'role' | 'serving' | 'viewInForce' | 'admitted' | 'waiting'
>

/** What the process knows beside what the replica says of itself. */
export interface Condition {
  /** null: the replica does not run (yet). */
  readonly status: Readable | null
  /** What it does before it runs, in words. Default: it starts. */
  readonly beginning?: string | null
  /** It was asked to stop. */
  readonly stopping: boolean
  readonly diskFull: boolean
}

/**
 * Whether this replica counts: it takes part, is up to date, and knows who leads. A follower is ready, too: clients find the leader from it. Whoever restarts replicas
 * one after the other waits for this before the next.
 */
export function readiness({ status, beginning, stopping, diskFull }: Condition): readonly Check[] {
  const starting = beginning ?? 'it is starting'
  return [
    { name: 'running', fault: stopping ? 'it was asked to stop' : status === null ? starting : null },
    { name: 'leader', fault: status === null ? starting : leaderFault(status) },
    { name: 'member', fault: status === null ? starting : memberFault(status) },
    { name: 'disk', fault: diskFull ? 'the disk is full: writes are refused until there is room' : null },
  ]
}

export function isReady(checks: readonly Check[]): boolean {
  return checks.every(({ fault }) => fault === null)
}

function leaderFault(status: Readable): string | null {
  if (status.leader === null) return wordsOf(status) ?? 'nobody leads'
  if (status.role === 'leader' && !status.serving) return wordsOf(status) ?? 'it leads and may not serve yet'
  return null
}

function memberFault(status: Readable): string | null {
  if (status.role === 'learner') return wordsOf(status) ?? 'it is being brought up to date'
  if (!status.admitted) return wordsOf(status) ?? 'it has come back and does not count yet'
  return status.viewInForce ? null : (wordsOf(status) ?? 'its view is not in force yet')
}

function wordsOf({ waiting }: Readable): string | null {
  return waiting.length === 0 ? null : waiting.map(({ words }) => words).join('; ')
}

/** In the form that Kubernetes' own servers answer with. */
export function checksText(probe: string, checks: readonly Check[]): string {
  const lines = checks.map(({ name, fault }) =>
    fault === null ? `[+]${name} ok` : `[-]${name} failed: ${fault}`,
  )
  return `${[...lines, `${probe} check ${isReady(checks) ? 'passed' : 'failed'}`].join('\n')}\n`
}
