import { randomUUID } from 'node:crypto'
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { processStart } from '@chatroom/replica/process-fencer'

/** Taken by this launcher, or held by another one that lives. */
export type LockOutcome =
  | {
      readonly taken: true
      /** An earlier launcher ended without giving it back: its replicas may still be about to end. */
      readonly leftBehind: boolean
      readonly release: () => void
    }
  | { readonly taken: false; readonly pid: number }

const fileName = 'launcher.json'

/**
 * Keeps two launchers from one data directory, so that the second one can say so in a sentence. What really protects the data is the lock in each
 * replica's own directory; this one may be taken over when its holder has died.
 * @throws an error of the file system if the directory cannot be written.
 */
export async function lockForLauncher(
  dataDirectory: string,
  pid: number = process.pid,
): Promise<LockOutcome> {
  const file = join(dataDirectory, fileName)
  const own = JSON.stringify({ pid, start: await processStart(pid) })
  let leftBehind = false
  for (;;) {
    if (linkNew(file, own)) {
      const release = (): void => {
        if (contentOf(file) === own) rmSync(file, { force: true })
      }
      return { taken: true, leftBehind, release }
    }
    const content = contentOf(file)
    if (content === null) continue
    const holder = parseHolder(content)
    if (holder !== null && (await processStart(holder.pid)) === holder.start)
      return { taken: false, pid: holder.pid }
    leftBehind = true
    if (contentOf(file) === content) rmSync(file, { force: true })
  }
}

/** Makes the file appear with its content, or says that it is there. */
function linkNew(file: string, content: string): boolean {
  const beside = `${file}.${randomUUID()}`
  writeFileSync(beside, content, { flag: 'wx' })
  try {
    linkSync(beside, file)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  } finally {
    rmSync(beside, { force: true })
  }
}

function contentOf(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
}

function parseHolder(content: string): { readonly pid: number; readonly start: string } | null {
  let value: unknown
  try {
    value = JSON.parse(content)
  } catch {
    return null
  }
  if (typeof value !== 'object' || value === null || !('pid' in value) || !('start' in value)) return null
  const { pid, start } = value
  return typeof pid === 'number' && typeof start === 'string' ? { pid, start } : null
}
