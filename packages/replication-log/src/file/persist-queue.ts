import type { HardState, PersistBatch } from '../storage.ts'
import type { StorageError } from '../storage-error.ts'

/** A call of `persist` that waits. */
export interface PendingPersist {
  readonly kind: 'persist'
  readonly batch: PersistBatch
  /** Sum of `recordBytes`. */
  readonly recordBytes: number
  resolve(): void
  reject(error: StorageError): void
}

/** Any other change; nothing else is written meanwhile. */
export interface PendingTask {
  readonly kind: 'task'
  run(): Promise<void>
  resolve(): void
  reject(error: StorageError): void
}

export type Pending = PendingPersist | PendingTask

/** A group is closed when its records take more than this. */
const maxGroupBytes = 2 * 1024 * 1024

/**
 * Takes from the front of the queue what one write may make durable together. A changed hard state or a truncation begins a new group: it
 * has to be durable before what follows, and after what precedes.
 */
export function takeGroup(queue: Pending[], current: HardState): PendingPersist[] | PendingTask | null {
  const head = queue.shift()
  if (!head || head.kind === 'task') return head ?? null
  const group = [head]
  const hardState = head.batch.hardState ?? current
  let bytes = head.recordBytes
  for (let next = queue[0]; next?.kind === 'persist'; next = queue[0]) {
    bytes += next.recordBytes
    if (bytes > maxGroupBytes || next.batch.truncateFrom !== undefined) break
    if (next.batch.hardState && !sameHardState(next.batch.hardState, hardState)) break
    group.push(next)
    queue.shift()
  }
  return group
}

export function sameHardState(a: HardState, b: HardState): boolean {
  return a.term === b.term && a.votedFor === b.votedFor && a.clusterId === b.clusterId
}

/** Whether a batch needs space in the log: what a full disk refuses. */
export function changesLog(batch: PersistBatch): boolean {
  return batch.entries.length > 0 || batch.truncateFrom !== undefined
}
