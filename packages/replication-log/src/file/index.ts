export { type FileStorageOptions, openFileStorage } from './file-storage.ts'
export type { FileSystem, OpenFile, ProcessIdentity } from './file-system.ts'
export { nodeFileSystem } from './node-file-system.ts'
