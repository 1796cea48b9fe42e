import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { UsageError } from '../arguments.ts'
import { readPrivateFile, removePrivateFile, writePrivateFile } from './private-file.ts'

/** The login that one-shot commands share. */
export interface KeptLogin {
  readonly name: string
  /** Secret: whoever has it is logged in. */
  readonly token: string
  /** Seconds without a command after which the replicas end it. */
  readonly idleTimeoutSeconds: number
}

/** Keeps the login of one cluster in a file that only the user may read. */
export class SessionStore {
  readonly #file: string

  /** @param servers of the cluster, in any order: another cluster has another file */
  constructor(directory: string, servers: readonly string[]) {
    const cluster = createHash('sha256')
      .update([...servers].sort().join(','))
      .digest('hex')
      .slice(0, 16)
    this.#file = join(directory, `session-${cluster}.json`)
  }

  /** null if there is none, or what is there makes no sense: then only another login helps. @throws UsageError if the file cannot be read */
  load(): KeptLogin | null {
    const text = told(() => readPrivateFile(this.#file))
    return text === null ? null : keptLoginIn(text)
  }

  /** @throws UsageError if the file cannot be written */
  save(login: KeptLogin): void {
    told(() => writePrivateFile(this.#file, `${JSON.stringify(login)}\n`))
  }

  /** @throws UsageError if the file cannot be removed */
  forget(): void {
    told(() => removePrivateFile(this.#file))
  }
}

/** What the file system says, with what to do about it. */
function told<T>(action: () => T): T {
  try {
    return action()
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new UsageError(`The login cannot be kept (${why}): set XDG_STATE_HOME to a directory of yours.`)
  }
}

function keptLoginIn(text: string): KeptLogin | null {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return null
  }
  if (typeof value !== 'object' || value === null) return null
  const { name, token, idleTimeoutSeconds } = { name: null, token: null, idleTimeoutSeconds: null, ...value }
  if (typeof name !== 'string' || typeof token !== 'string' || typeof idleTimeoutSeconds !== 'number')
    return null
  return { name, token, idleTimeoutSeconds }
}
