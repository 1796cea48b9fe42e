import fs from 'node:fs'
import { dirname } from 'node:path'
// Imported: the global one is a getter, which is called for each write.
import { performance } from 'node:perf_hooks'
import { promisify } from 'node:util'
import type { FileSystem, OpenFile, ProcessIdentity } from './file-system.ts'
import { WaitingInPlace } from './waiting-in-place.ts'

const { O_CREAT, O_EXCL, O_RDONLY, O_RDWR } = fs.constants

/**
 * On Linux a file opened so makes each write durable by itself: one call into the kernel, where write and fdatasync take two. Elsewhere the flag is missing or means less (macOS leaves the
 * drive's cache alone), so there it is write, then fdatasync.
 */
const writesAreDurable = process.platform === 'linux'

const openFile = promisify(fs.open)
const closeFile = promisify(fs.close)
const syncFile = promisify(fs.fsync)

/** The file system of this machine. */
export const nodeFileSystem: FileSystem = createNodeFileSystem(new WaitingInPlace())

export function createNodeFileSystem(inPlace: WaitingInPlace): FileSystem {
  return {
    process: { pid: process.pid, start: processStart(process.pid) ?? '' },
    isRunning,
    async list(directory) {
      try {
        return await fs.promises.readdir(directory)
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return null
        throw error
      }
    },
    async makeDirectory(directory) {
      // One after the other: Node's recursive mkdir never ends where the parent is there and still nothing can be made in it, as in /proc.
      const missing: string[] = []
      for (let at = directory; !fs.existsSync(at) && at !== dirname(at); at = dirname(at)) missing.push(at)
      for (const made of missing.reverse()) {
        await fs.promises.mkdir(made).catch((error: unknown) => {
          // Another replica may have made it meanwhile.
          if (codeOf(error) !== 'EEXIST') throw error
        })
        await syncDirectory(dirname(made))
      }
    },
    async open(path, mode) {
      const access = mode === 'read' ? O_RDONLY : mode === 'write' ? O_RDWR : O_RDWR | O_CREAT | O_EXCL
      return new NodeFile(path, await openFile(path, access, 0o600), inPlace)
    },
    rename: (from, to) => fs.promises.rename(from, to),
    remove: (path) => inPlace.behind(fs.promises.unlink(path)),
    syncDirectory: (directory) => inPlace.behind(syncDirectory(directory)),
  }
}

class NodeFile implements OpenFile {
  readonly #path: string
  readonly #fd: number
  #durableFd: number | null = null
  readonly #inPlace: WaitingInPlace

  constructor(path: string, fd: number, inPlace: WaitingInPlace) {
    this.#path = path
    this.#fd = fd
    this.#inPlace = inPlace
  }

  size(): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.fstat(this.#fd, (error, stats) => (error ? reject(error) : resolve(stats.size)))
    })
  }

  async read(into: Uint8Array, length: number, position: number): Promise<number> {
    let done = 0
    while (done < length) {
      const got = await this.#readOnce(into, done, length - done, position + done)
      if (got === 0) break
      done += got
    }
    return done
  }

  write(bytes: Uint8Array, position: number): Promise<void> {
    return this.#inPlace.behind(writeAll(this.#fd, bytes, position))
  }

  async writeDurably(bytes: Uint8Array, position: number): Promise<void> {
    if (writesAreDurable) {
      this.#durableFd ??= await openFile(this.#path, O_RDWR | fs.constants.O_DSYNC)
      const begun = performance.now()
      const isInPlace = this.#inPlace.decide(bytes.length)
      if (isInPlace) writeAllInPlace(this.#durableFd, bytes, position)
      else await writeAll(this.#durableFd, bytes, position)
      return this.#inPlace.took(performance.now() - begun, bytes.length, isInPlace)
    }
    await writeAll(this.#fd, bytes, position)
    await this.sync()
  }

  sync(): Promise<void> {
    const synced = new Promise<void>((resolve, reject) => {
      fs.fdatasync(this.#fd, (error) => (error ? reject(error) : resolve()))
    })
    return this.#inPlace.behind(synced)
  }

  truncate(size: number): Promise<void> {
    return new Promise((resolve, reject) => {
      fs.ftruncate(this.#fd, size, (error) => (error ? reject(error) : resolve()))
    })
  }

  async close(): Promise<void> {
    await closeFile(this.#fd)
    if (this.#durableFd !== null) await closeFile(this.#durableFd)
  }

  #readOnce(into: Uint8Array, offset: number, length: number, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.read(this.#fd, into, offset, length, position, (error, got) =>
        error ? reject(error) : resolve(got),
      )
    })
  }
}

function writeAll(fd: number, bytes: Uint8Array, position: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const step = (done: number): void => {
      fs.write(fd, bytes, done, bytes.length - done, position + done, (error, written) => {
        if (error) reject(error)
        else if (done + written < bytes.length) step(done + written)
        else resolve()
      })
    }
    step(0)
  })
}

function writeAllInPlace(fd: number, bytes: Uint8Array, position: number): void {
  let done = 0
  while (done < bytes.length) done += fs.writeSync(fd, bytes, done, bytes.length - done, position + done)
}

async function syncDirectory(directory: string): Promise<void> {
  // Windows cannot open a directory, and makes its changes durable by itself.
  if (process.platform === 'win32') return
  const fd = await openFile(directory, O_RDONLY)
  try {
    await syncFile(fd)
  } finally {
    await closeFile(fd)
  }
}

function isRunning(other: ProcessIdentity): boolean {
  try {
    process.kill(other.pid, 0)
  } catch (error) {
    // EPERM: it runs, as another user.
    if (codeOf(error) !== 'EPERM') return false
  }
  if (hasEnded(other.pid)) return false
  const start = processStart(other.pid)
  return start === null || other.start === '' || start === other.start
}

/** A process that has ended and that its parent has not taken note of yet: it still answers to signals, and holds nothing any more. */
function hasEnded(pid: number): boolean {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1')
    return /^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2))
  } catch {
    return false
  }
}

/** The boot and the clock tick at which a process began: no later process with the same number shares them. Null where the system does not say. */
function processStart(pid: number): string | null {
  try {
    const boot = fs.readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').replaceAll('-', '').slice(0, 12)
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The second field is the program's name in parentheses and may hold anything; the start is the 22nd field (proc(5)).
    const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
    return ticks === undefined ? null : `${boot}.${ticks}`
  } catch {
    return null
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
