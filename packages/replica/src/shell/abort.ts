import { ReplicaError } from '../errors.ts'

export function aborted(): ReplicaError {
  return new ReplicaError('aborted', 'the caller gave up waiting: the command may still take effect')
}

/** What `work` gives, unless `signal` ends the wait before. */
export async function raceAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let abort = (): void => undefined
  const end = new Promise<never>((_, reject) => {
    abort = () => reject(aborted())
    signal.addEventListener('abort', abort, { once: true })
  })
  try {
    return await Promise.race([work, end])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
