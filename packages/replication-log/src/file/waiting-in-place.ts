/** More is written by a replica that is busy, and has other things to do meanwhile. */
const smallBytes = 16 * 1024
/** A disk that answers within this, by and large, is waited for where one is, milliseconds. */
const quickMs = 1
/** Of each new time in the average of the last ones: quick disks take some milliseconds now and then, too. */
const weight = 1 / 32
/** Of so many writes that are handed to another thread one is waited for in place, to see whether the disk has become quick. */
const looksEvery = 64

/**
 * Whether to wait for a durable write where one is, with the event loop held up, or to hand it to Node's thread pool.
 *
 * A quick disk has a write in a tenth of a millisecond. To hand it to another thread and hear of its end costs as much again, most of it processor time: two wake-ups, locks, a turn of the
 * event loop. A slow one takes ten milliseconds and more, and meanwhile a replica has other things to do. So the average of what the disk took decides. A disk that stalls is waited for in
 * place once: after that writes go to the pool until it has been quick for thousands of them. What is large goes there always, and so does what would come behind other work of this process
 * for the disk, as of a snapshot.
 */
export class WaitingInPlace {
  #averageMs = 0
  #handedOver = 0

  /** For the next write. `isDiskBusy`: with other work of this process. True: tell `took` how long it took. */
  decide(bytes: number, isDiskBusy: boolean): boolean {
    if (bytes > smallBytes || isDiskBusy) return false
    if (this.#averageMs <= quickMs) return true
    this.#handedOver++
    if (this.#handedOver < looksEvery) return false
    this.#handedOver = 0
    return true
  }

  took(ms: number): void {
    this.#averageMs += (ms - this.#averageMs) * weight
  }
}
