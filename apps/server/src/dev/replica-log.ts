import {
  closeSync,
  copyFileSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  statSync,
} from 'node:fs'

/** Bytes of a replica's log file before it is moved to `….1`, of which one is kept. */
const logFileBytes: number = 8 * 1024 * 1024
/** Bytes of one log line that are looked at. */
const lineBytes = 16 * 1024

/**
 * A log file that a replica writes by itself, so that neither a stopped nor a dead launcher can hold it up, and that the launcher reads along.
 */
export interface ReplicaLog {
  readonly path: string
  /** For the replica's standard output and error. */
  readonly fd: number
  /** The whole lines written since the last call. */
  readLines(): string[]
  close(): void
}

/** Opens the file for appending; what earlier runs left in it stays, up to the bound. */
export function openReplicaLog(path: string, bound: number = logFileBytes): ReplicaLog {
  if (sizeOf(path) > bound) renameSync(path, `${path}.1`)
  const fd = openSync(path, 'a+', 0o600)
  let position = fstatSync(fd).size
  let rest = ''
  const decoder = new TextDecoder()

  /** The replica's own descriptor stays valid, so the file is emptied in place; what is written between the two calls is lost. */
  const rotate = (): void => {
    copyFileSync(path, `${path}.1`)
    ftruncateSync(fd, 0)
    position = 0
  }

  const readLines = (): string[] => {
    const lines: string[] = []
    const buffer = Buffer.allocUnsafe(64 * 1024)
    for (;;) {
      const count = readSync(fd, buffer, 0, buffer.length, position)
      if (count === 0) break
      position += count
      const pieces = (rest + decoder.decode(buffer.subarray(0, count), { stream: true })).split('\n')
      rest = (pieces.pop() ?? '').slice(0, lineBytes)
      lines.push(...pieces.filter((line) => line !== '').map((line) => line.slice(0, lineBytes)))
    }
    if (position > bound) rotate()
    return lines
  }
  return { path, fd, readLines, close: () => closeSync(fd) }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}
