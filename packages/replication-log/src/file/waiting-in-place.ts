/** More is written by a replica that is busy, and has other things to do meanwhile. */
const smallBytes = 16 * 1024
/** A disk that answers within this, on the average, is waited for where one is, milliseconds. */
const quickMs = 0.7
/** Of each new time in that average: quick disks take some milliseconds now and then, too. */
const weight = 1 / 32
/** The average before anything was written: a disk first shows that it is quick. */
const unknownMs = 3
/** A write that takes longer is a stall, milliseconds. */
const stallMs = 10
/** After a stall that held the event loop up so many small writes are waited for elsewhere. */
const warinessWrites = 4_096

/**
 * Whether to wait for a durable write where one is, with the event loop held up, or to hand it to Node's thread pool. For all files of a process, which mostly lie on one disk.
 *
 * A quick disk has a write in a tenth of a millisecond. To hand it to another thread and hear of its end costs as much again, most of it processor time: two wake-ups, locks, a turn of the
 * event loop. A slow one takes ten milliseconds and more, and meanwhile a replica has other things to do. So the average of what small writes took decides, wherever they were waited for. Of a
 * disk that stalls, one write in thousands holds the loop up. What is large goes to the pool always, and so does what would come behind other work of this process for the disk, as of a snapshot.
 */
export class WaitingInPlace {
  #averageMs = unknownMs
  #wary = 0
  #othersUnderWay = 0

  /** For the next write of so many bytes. Tell `took` how long it took. */
  decide(bytes: number): boolean {
    if (bytes > smallBytes) return false
    if (this.#wary > 0) {
      this.#wary--
      return false
    }
    return this.#othersUnderWay === 0 && this.#averageMs <= quickMs
  }

  took(ms: number, bytes: number, wasInPlace: boolean): void {
    if (bytes <= smallBytes) this.#averageMs += (ms - this.#averageMs) * weight
    if (wasInPlace && ms >= stallMs) this.#wary = warinessWrites
  }

  /** Other work for the disk than durable writes: until it is over none is waited for in place. */
  async behind<T>(work: Promise<T>): Promise<T> {
    this.#othersUnderWay++
    try {
      return await work
    } finally {
      this.#othersUnderWay--
    }
  }
}
