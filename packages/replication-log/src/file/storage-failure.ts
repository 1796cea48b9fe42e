import { type Damage, StorageError, type StorageErrorCode } from '../storage-error.ts'

/** Turns whatever a file operation threw into a `StorageError` that says what was being done. */
export function failureOf(
  doing: string,
  error: unknown,
  otherwise: StorageErrorCode = 'failed',
): StorageError {
  if (error instanceof StorageError) return error
  const reason = error instanceof Error ? error.message : String(error)
  switch (codeOf(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new StorageError('full', `${doing}: no space left on the disk; free some`, { cause: error })
    case 'EROFS':
      return new StorageError('read-only', `${doing}: the disk is mounted read-only; mount it for writing`, {
        cause: error,
      })
    case 'EACCES':
    case 'EPERM':
      return new StorageError(
        otherwise === 'unreadable' ? 'unreadable' : 'read-only',
        `${doing}: not permitted (${reason}); give this user read and write permission to the data directory`,
        { cause: error },
      )
    default:
      return new StorageError(otherwise, `${doing}: ${reason}`, { cause: error })
  }
}

export function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}

export function corrupt(message: string, damage: Damage): StorageError {
  return new StorageError('corrupt', message, { damage })
}
