import type { Duplex } from 'node:stream'

/** More than this for one write waits for the next, bytes. */
const mostAtOnce = 64 * 1024

/** What a connection sends: all frames of one turn in one write. */
export class Output {
  readonly #socket: Duplex
  readonly #moved: () => void
  #frames: Buffer[] = []
  #bytes = 0
  /** Told when this write is with the network. */
  #sent: (() => void)[] = []
  #isScheduled = false

  /** `moved`: there is room again, or less to send. */
  constructor(socket: Duplex, moved: () => void) {
    this.#socket = socket
    this.#moved = moved
    socket.on('drain', moved)
  }

  /** What can wait should. */
  get isFull(): boolean {
    return this.#bytes >= mostAtOnce || this.#socket.writableNeedDrain
  }

  /** What the network has not taken yet. */
  get bytes(): number {
    return this.#bytes + this.#socket.writableLength
  }

  push(frame: Buffer): void {
    this.#frames.push(frame)
    this.#bytes += frame.length
    if (this.#isScheduled) return
    this.#isScheduled = true
    // After all that waits for the same event, so that what it writes goes with this.
    process.nextTick(flush, this)
  }

  /** Calls `sent` when the network has taken what was pushed; not at all if the connection breaks before. */
  onSent(sent: () => void): void {
    this.#sent.push(sent)
  }

  flush(): void {
    this.#isScheduled = false
    if (this.#frames.length === 0 || !this.#socket.writable) return
    const [first] = this.#frames
    const bytes =
      this.#frames.length === 1 && first !== undefined ? first : Buffer.concat(this.#frames, this.#bytes)
    const wasFull = this.#bytes >= mostAtOnce
    this.#frames = []
    this.#bytes = 0
    if (this.#sent.length === 0) {
      this.#socket.write(bytes)
    } else {
      const told = this.#sent
      this.#sent = []
      this.#socket.write(bytes, (error) => {
        if (!error) for (const sent of told) sent()
      })
    }
    if (wasFull && !this.#socket.writableNeedDrain) this.#moved()
  }
}

function flush(output: Output): void {
  output.flush()
}
