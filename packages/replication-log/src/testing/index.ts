export { type StorageCase, type StorageMedium, storageCases } from './acceptance.ts'
export { type DiskImage, DiskJournal, type DiskOperation, fingerprint } from './disk-journal.ts'
export { type FaultableOperation, FaultFileSystem, type FaultFileSystemOptions } from './fault-file-system.ts'
