import { type Entry, entryBytes } from '../entry.ts'
import type { EntryCopy } from '../storage.ts'
import { StorageError } from '../storage-error.ts'
import type { LogScan } from './log-scan.ts'
import type { OpeningHome } from './opening.ts'
import { readRun } from './run-reader.ts'
import { openSegment } from './segment-files.ts'
import type { StateOnDisk } from './state-files.ts'

/** What an opening that was refused could read before the first damage. Of use to others that are damaged elsewhere; each entry is checked again when it is read. */
export class Salvage {
  readonly #home: OpeningHome
  readonly #found: StateOnDisk
  readonly #scan: LogScan

  constructor(home: OpeningHome, found: StateOnDisk, scan: LogScan) {
    this.#home = home
    this.#found = found
    this.#scan = scan
  }

  /** As the Storage port's `salvage`. */
  async read(from: number, maxBytes: number): Promise<EntryCopy> {
    const { clusterId } = this.#found.state.hardState
    const { index } = this.#scan
    const entries: Entry[] = []
    let bytes = 0
    for (let number = index.findRun(from); number >= 0 && number < index.runs.length; number++) {
      for (const entry of await this.#run(number)) {
        if (entry.index < from) continue
        bytes += entryBytes(entry)
        if (entries.length > 0 && bytes > maxBytes) return { clusterId, entries }
        entries.push(entry)
      }
    }
    return { clusterId, entries }
  }

  async #run(number: number): Promise<Entry[]> {
    const { fileSystem, directory } = this.#home
    const { runs, last } = this.#scan.index
    const run = runs[number]
    if (!run) return []
    try {
      const extent = { number: run.segment, end: run.end, size: run.end }
      const segment = await openSegment(fileSystem, directory, this.#found.disk, extent, 'read')
      try {
        return await readRun({ run, segment, limit: runs[number + 1]?.index ?? last.index + 1 })
      } finally {
        await segment.close()
      }
    } catch (error) {
      // It is being mended, or rots on.
      if (error instanceof StorageError && error.code === 'corrupt') return []
      throw error
    }
  }
}
