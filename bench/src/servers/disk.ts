import { fdatasync, openSync, writev } from 'node:fs'

/** Writes to the end of a file, durably. What comes while a sync is under way shares the next one. */
export class SyncedFile {
  readonly #file: number
  #waiting: { readonly bytes: Buffer; readonly done: () => void }[] = []
  #busy = false

  constructor(path: string) {
    this.#file = openSync(path, 'w')
  }

  /** `done`: when it is on the disk. */
  append(bytes: Buffer, done: () => void): void {
    this.#waiting.push({ bytes, done })
    if (!this.#busy) this.#sync()
  }

  #sync(): void {
    this.#busy = true
    const batch = this.#waiting
    this.#waiting = []
    const bytes = batch.map((write) => write.bytes)
    writev(this.#file, bytes, (error) => {
      if (error) throw error
      fdatasync(this.#file, (failed) => {
        if (failed) throw failed
        for (const { done } of batch) done()
        if (this.#waiting.length > 0) this.#sync()
        else this.#busy = false
      })
    })
  }
}
