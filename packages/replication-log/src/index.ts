export { comparePositions, type Entry, type EntryKind, entryBytes, origin, type Position } from './entry.ts'
export { type LogStart, ReplicatedLog } from './log.ts'
export { MemoryDisk, type MemoryDiskOptions } from './memory-disk.ts'
export type { FlushOutcome } from './memory-storage.ts'
export type {
  EntryCopy,
  HardState,
  LogEndCopy,
  PersistBatch,
  Remedy,
  SnapshotCopy,
  SnapshotInfo,
  SnapshotWriter,
  Storage,
  StorageIdentity,
  StoredState,
} from './storage.ts'
export { type Damage, type LostEnd, StorageError, type StorageErrorCode } from './storage-error.ts'
