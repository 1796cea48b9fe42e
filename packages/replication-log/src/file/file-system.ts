/** A process, told apart from an earlier one with the same number. */
export interface ProcessIdentity {
  readonly pid: number
  /** When it began, in letters, digits and dots; '' if this system does not say. */
  readonly start: string
}

/**
 * What the file storage needs of a file system: few operations, each with an exact meaning for durability, so that a test can put a faulty one in its place.
 * Errors carry Node's `code` (`ENOSPC`, `EACCES`, …).
 */
export interface FileSystem {
  /** This process, for the lock. */
  readonly process: ProcessIdentity
  isRunning(process: ProcessIdentity): boolean
  /** Names in a directory, in any order; null if there is no such directory. */
  list(directory: string): Promise<readonly string[] | null>
  /** With its parents; durable when it resolves. No error if it exists. */
  makeDirectory(directory: string): Promise<void>
  /** `create` fails with `EEXIST` if the file exists; the others fail with `ENOENT` if it does not. */
  open(path: string, mode: 'read' | 'write' | 'create'): Promise<OpenFile>
  /** Replaces what has the name `to`. Durable after `syncDirectory`. */
  rename(from: string, to: string): Promise<void>
  /** Durable after `syncDirectory`. */
  remove(path: string): Promise<void>
  /** What was created, renamed and removed in the directory before the call survives a power cut. */
  syncDirectory(directory: string): Promise<void>
}

export interface OpenFile {
  size(): Promise<number>
  /** Reads until `length` bytes are there or the file ends; resolves to how many. */
  read(into: Uint8Array, length: number, position: number): Promise<number>
  /** All of it, or an error (and then any part of it). */
  write(bytes: Uint8Array, position: number): Promise<void>
  /** `write` and `sync` of what was written, in one call. */
  writeDurably(bytes: Uint8Array, position: number): Promise<void>
  /** What was written and truncated before the call survives a power cut (fdatasync). */
  sync(): Promise<void>
  truncate(size: number): Promise<void>
  close(): Promise<void>
}
