import { ReplicaError } from '../errors.ts'
import { aborted } from './abort.ts'
import type { Applier } from './applier.ts'

/** Runs `query` on the state as of the entry of this index. Rejects with 'not ready' if a later one is applied already, with 'aborted' when `signal` ends the wait. */
export function readAt<T>(
  applier: Pick<Applier<never, never>, 'applied' | 'lookAt'>,
  index: number,
  query: () => T,
  signal: AbortSignal | undefined,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const abandon = applier.lookAt({
      index,
      look: () => settleWith(query, resolve, reject),
      tooLate: () =>
        reject(
          new ReplicaError(
            'not ready',
            `entry ${index} is past: entry ${applier.applied} is applied already`,
          ),
        ),
    })
    signal?.addEventListener('abort', () => {
      abandon()
      reject(aborted())
    })
  })
}

/** With what the query gives, or with what it throws: that is its caller's, and no fault of the replica. */
export function settleWith<T>(
  query: () => T,
  resolve: (value: T) => void,
  reject: (error: Error) => void,
): void {
  try {
    resolve(query())
  } catch (error) {
    reject(error instanceof Error ? error : new Error(String(error)))
  }
}
