import { StateMachineError } from '../error.ts'

/** Bytes of a slab, if its blocks are not longer. */
const slabBytes = 64 * 1_024
/** Bytes of the first slab of each length: a chat of a few accounts should not take, and clear, memory for thousands. */
const firstSlabBytes = 4 * 1_024
/** No slab has more blocks; so a block's address is one small integer. */
const blocksPerSlab = 2_048
/** Shortest block. */
const shortestBlock = slabBytes / blocksPerSlab
/** Where a list of free blocks ends. */
const none = 0xffff
/** Blocks put off that are freed along with any other work. */
const settledAtOnce = 8

/** Where a block is, or 0: nowhere. A small positive integer. */
export type Address = number

/** Blocks of one length, cut from one piece of memory. */
interface Slab {
  readonly bytes: Uint8Array
  readonly view: DataView
  readonly blockBytes: number
  readonly blocks: number
  used: number
  /** The first block that was never used. */
  fresh: number
  /** The block freed last; each free block begins with the number of the next. */
  free: number
  /** Place among the slabs of this length that have room; -1 if it has none. */
  place: number
}

/**
 * Memory for a great many small things that live long, in a few large pieces. A million JavaScript objects cost the collector of garbage seconds of work each
 * time it looks through them, and pauses with it; here it sees one object for 64 KiB.
 *
 * A block has at least the length asked for, rounded up by at most a quarter. A slab whose blocks are all free is given back, unless it is the last of its length.
 */
export class Arena {
  readonly #slabs: (Slab | undefined)[] = [undefined]
  /** Numbers of slabs that were given back. */
  readonly #vacant: number[] = []
  /** By the length of blocks: the numbers of the slabs that have room. */
  readonly #room = new Map<number, number[]>()
  /** Blocks to be freed when nobody holds the arena. */
  #putOff: Address[] = []
  #held = false

  allocate(bytes: number): Address {
    this.#settle()
    const blockBytes = roundUp(bytes)
    const number = this.#room.get(blockBytes)?.at(-1) ?? this.#addSlab(blockBytes)
    const slab = this.#slab(number)
    let block = slab.free
    if (block === none) block = slab.fresh++
    else slab.free = slab.view.getUint16(block * blockBytes)
    slab.used++
    if (slab.used === slab.blocks) this.#leaveRoom(slab)
    return number * blocksPerSlab + block
  }

  /** The bytes of the block may be used for something else from now on; while the arena is held, not before it is released. */
  free(address: Address): void {
    this.#putOff.push(address)
    this.#settle()
  }

  /** Until `release`, freed blocks stay as they are. */
  hold(): void {
    this.#held = true
  }

  release(): void {
    this.#held = false
  }

  /** The piece of memory that holds the block, which begins at `offsetOf`. */
  viewOf(address: Address): DataView {
    return this.#slab(address >>> 11).view
  }

  /** As `viewOf`. */
  bytesOf(address: Address): Uint8Array {
    return this.#slab(address >>> 11).bytes
  }

  offsetOf(address: Address): number {
    return (address & (blocksPerSlab - 1)) * this.lengthOf(address)
  }

  /** Length of the block, bytes. */
  lengthOf(address: Address): number {
    return this.#slab(address >>> 11).blockBytes
  }

  /** Bytes of all slabs. */
  get size(): number {
    return this.#slabs.reduce((sum, slab) => sum + (slab?.bytes.length ?? 0), 0)
  }

  #slab(number: number): Slab {
    const slab = this.#slabs[number]
    if (slab === undefined) throw new StateMachineError('impossible state', `There is no slab ${number}.`)
    return slab
  }

  #addSlab(blockBytes: number): number {
    const most = this.#room.has(blockBytes) ? slabBytes : firstSlabBytes
    const blocks = Math.max(1, Math.floor(most / blockBytes))
    const bytes = new Uint8Array(blocks * blockBytes)
    const view = new DataView(bytes.buffer)
    const number = this.#vacant.pop() ?? this.#slabs.length
    const slab = { bytes, view, blockBytes, blocks, used: 0, fresh: 0, free: none, place: -1 }
    this.#slabs[number] = slab
    this.#enterRoom(slab, number)
    return number
  }

  /** Frees some of the blocks put off. A few at a time, so that nobody waits for all. */
  #settle(): void {
    if (this.#held) return
    for (let n = 0; n < settledAtOnce; n++) {
      const address = this.#putOff.pop()
      if (address === undefined) return
      this.#free(address)
    }
  }

  #free(address: Address): void {
    const number = address >>> 11
    const block = address & (blocksPerSlab - 1)
    const slab = this.#slab(number)
    slab.view.setUint16(block * slab.blockBytes, slab.free)
    slab.free = block
    slab.used--
    if (slab.place === -1) this.#enterRoom(slab, number)
    if (slab.used > 0 || this.#room.get(slab.blockBytes)?.length === 1) return
    this.#leaveRoom(slab)
    this.#slabs[number] = undefined
    this.#vacant.push(number)
  }

  #enterRoom(slab: Slab, number: number): void {
    const room = this.#room.get(slab.blockBytes) ?? []
    this.#room.set(slab.blockBytes, room)
    slab.place = room.push(number) - 1
  }

  #leaveRoom(slab: Slab): void {
    const room = this.#room.get(slab.blockBytes)
    const last = room?.pop()
    // The last one takes the place that becomes free, unless that is its own.
    if (room !== undefined && last !== undefined && slab.place < room.length) {
      room[slab.place] = last
      this.#slab(last).place = slab.place
    }
    slab.place = -1
  }
}

/** Lengths of blocks: multiples of 16 up to 128, then four lengths for each doubling. */
function roundUp(bytes: number): number {
  if (bytes <= shortestBlock) return shortestBlock
  const step = bytes <= 128 ? 16 : 2 ** (29 - Math.clz32(bytes - 1))
  return Math.ceil(bytes / step) * step
}
