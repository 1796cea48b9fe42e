import { join } from 'node:path'
import { origin, type Position } from '../entry.ts'
import type { HardState } from '../storage.ts'
import { StorageError } from '../storage-error.ts'
import type { FileSystem, OpenFile } from './file-system.ts'
import type { Place } from './place.ts'
import { codeOf, corrupt, failureOf } from './storage-failure.ts'
import {
  checkHeader,
  checksum,
  formatVersion,
  getUint64,
  headerBytes,
  newHeader,
  putUint64,
  sealHeader,
  viewOf,
} from './wire.ts'

/** What is stored twice, in two files. */
export interface State {
  /** Counts the writes. The slot it is written to is its remainder by two. */
  readonly sequence: number
  readonly incarnation: number
  readonly hardState: HardState
  /** Everything in the log before this place was durable when the state was written. */
  readonly durable: Place
  /** The newest view entry that was durable when the state was written; `origin`: none, or an earlier version of this software wrote the state. */
  readonly view: Position
  /** The log ended exactly there, and its replica has written nothing since: it was stopped in order. */
  readonly closed: boolean
}

export interface StateOnDisk {
  readonly replicaId: number
  /** 32 hexadecimal digits. */
  readonly disk: string
  readonly state: State
  /** Names of files that are missing or hold something else than they should. */
  readonly damaged: readonly string[]
}

const names = ['state-a', 'state-b'] as const
const letters = 'CHATSTAT'
const pageBytes = 4096
const slotBytes = 512
const fileBytes = 2 * pageBytes + slotBytes
const slotMagic = 0x54_4f_4c_53
const maxClusterIdBytes = 255
/** Behind the longest cluster id. */
const viewAt = 296
const closedFlag = 1

/** Reads and checks; writes nothing. Null if there is neither file. `replicaId` null: whosever it is. */
export async function readState(
  fileSystem: FileSystem,
  directory: string,
  replicaId: number | null,
): Promise<StateOnDisk | null> {
  const copies: Copy[] = []
  const damaged: string[] = []
  let missing = 0
  for (const name of names) {
    const content = await readWhole(fileSystem, join(directory, name))
    const copy = content && parseCopy(content, join(directory, name))
    if (copy) copies.push(copy)
    else damaged.push(name)
    if (!content) missing++
  }
  if (missing === names.length) return null
  const [one, other] = copies
  if (one && other && (one.replicaId !== other.replicaId || one.disk !== other.disk)) {
    throw corrupt(
      `${directory}: ${names.join(' and ')} come from two different replicas; restore the right one`,
      nothing,
    )
  }
  const newest = copies.flatMap((copy) => copy.slots).sort((a, b) => b.sequence - a.sequence)[0]
  if (!one || !newest) {
    throw corrupt(
      `${directory}: neither ${names.join(' nor ')} holds a whole state (term, vote, incarnation); ` +
        'this replica cannot be trusted with a vote any more: replace it by a new one with an empty directory',
      nothing,
    )
  }
  if (replicaId !== null && one.replicaId !== replicaId) {
    throw new StorageError(
      'other replica',
      `${directory} belongs to replica ${one.replicaId}, not to replica ${replicaId}: choose its own directory`,
    )
  }
  for (const [index, name] of names.entries()) {
    const copy = copies.find((each) => each.path === join(directory, name))
    if (copy && !copy.slots.some((slot) => slot.sequence === newest.sequence) && !damaged.includes(name)) {
      damaged.splice(index, 0, name)
    }
  }
  return { replicaId: one.replicaId, disk: one.disk, state: newest, damaged }
}

const nothing = { file: '', from: null, to: null }

/** Who takes over what another replica has of a later term agrees to that term, in which it voted for nobody. */
export function agreedTo(hardState: HardState, term: number): HardState {
  return term > hardState.term ? { ...hardState, term, votedFor: null } : hardState
}

/** Writes the state of a directory that is not open. */
export async function changeState(
  fileSystem: FileSystem,
  directory: string,
  found: StateOnDisk,
  change: Partial<Omit<State, 'sequence' | 'closed'>>,
): Promise<State> {
  const files = await StateFiles.open(fileSystem, directory, found)
  try {
    await files.write({ ...found.state, ...change })
    return files.state
  } finally {
    await files.close()
  }
}

/** The two files, open for writing. */
export class StateFiles {
  readonly #files: readonly OpenFile[]
  readonly #seed: number
  #state: State

  private constructor(files: readonly OpenFile[], seed: number, state: State) {
    this.#files = files
    this.#seed = seed
    this.#state = state
  }

  /** Makes the files of a new directory. */
  static async create(
    fileSystem: FileSystem,
    directory: string,
    replicaId: number,
    disk: string,
  ): Promise<StateOnDisk> {
    const state: State = {
      sequence: 1,
      incarnation: 0,
      hardState: { term: 0, votedFor: null, clusterId: '' },
      durable: { segment: 0, offset: 0 },
      view: origin,
      closed: false,
    }
    for (const name of names)
      await writeWhole(fileSystem, directory, name, fileContent(replicaId, disk, state))
    await fileSystem.syncDirectory(directory)
    return { replicaId, disk, state, damaged: [] }
  }

  /** Opens them for writing, and makes a damaged one anew from the other. */
  static async open(fileSystem: FileSystem, directory: string, found: StateOnDisk): Promise<StateFiles> {
    for (const name of found.damaged) {
      await writeWhole(fileSystem, directory, name, fileContent(found.replicaId, found.disk, found.state))
    }
    if (found.damaged.length > 0) await fileSystem.syncDirectory(directory)
    const files: OpenFile[] = []
    for (const name of names) files.push(await fileSystem.open(join(directory, name), 'write'))
    return new StateFiles(files, seedOf(fileHeader(found.replicaId, found.disk)), found.state)
  }

  get state(): State {
    return this.#state
  }

  /** The sequence number that the next write will have. */
  get nextSequence(): number {
    return this.#state.sequence + 1
  }

  get bytes(): number {
    return fileBytes * names.length
  }

  /** Durable, in both files, when it resolves. A crash meanwhile leaves this state or the one before. */
  async write(change: Omit<State, 'sequence' | 'closed'>, closed = false): Promise<void> {
    const { incarnation, hardState, durable, view } = change
    // Named one by one: what is spread has another shape each time, and V8 throws the code of each write away that was made for the last one.
    const state = { sequence: this.nextSequence, incarnation, hardState, durable, view, closed }
    const slot = encodeSlot(state, this.#seed)
    await Promise.all(this.#files.map((file) => file.writeDurably(slot, slotOffset(state.sequence))))
    this.#state = state
  }

  async close(): Promise<void> {
    for (const file of this.#files) await file.close()
  }
}

/** Throws if the state cannot be written at all. */
export function checkHardState(hardState: HardState): void {
  const { term, votedFor, clusterId } = hardState
  if (!Number.isSafeInteger(term) || term < 0)
    throw new StorageError('invalid', `term ${term} is not a whole number`)
  if (votedFor !== null && (!Number.isInteger(votedFor) || votedFor < 0 || votedFor > 0x7f_ff_ff_ff)) {
    throw new StorageError('invalid', `vote for ${votedFor}: not the id of a replica`)
  }
  if (Buffer.byteLength(clusterId) > maxClusterIdBytes) {
    throw new StorageError('invalid', `a cluster id has at most ${maxClusterIdBytes} bytes`)
  }
}

interface Copy {
  readonly path: string
  readonly replicaId: number
  readonly disk: string
  readonly slots: readonly State[]
}

function parseCopy(content: Buffer, path: string): Copy | null {
  const version = checkHeader(content.subarray(0, headerBytes), letters)
  if (version === 'damaged') return null
  if (version !== formatVersion) {
    throw new StorageError(
      'newer format',
      `${path} has format ${version}, this software knows format ${formatVersion}: start the version that wrote it`,
    )
  }
  const slots: State[] = []
  for (const slot of [0, 1]) {
    const state = decodeSlot(
      content.subarray(slotOffset(slot), slotOffset(slot) + slotBytes),
      seedOf(content),
    )
    if (state && state.sequence % 2 === slot) slots.push(state)
  }
  return { path, replicaId: content.readUInt32LE(12), disk: content.toString('hex', 16, 32), slots }
}

function fileHeader(replicaId: number, disk: string): Buffer {
  const header = newHeader(letters)
  header.writeUInt32LE(replicaId, 12)
  header.write(disk, 16, 'hex')
  return sealHeader(header)
}

/** Slots count only together with the header they were written for. */
function seedOf(content: Buffer): number {
  return content.readUInt32LE(headerBytes - 4)
}

function fileContent(replicaId: number, disk: string, state: State): Buffer {
  const content = Buffer.alloc(fileBytes)
  const header = fileHeader(replicaId, disk)
  content.set(header)
  content.set(encodeSlot(state, seedOf(header)), slotOffset(state.sequence))
  return content
}

function slotOffset(sequence: number): number {
  return pageBytes * (1 + (sequence % 2))
}

function encodeSlot(state: State, seed: number): Buffer {
  const slot = Buffer.alloc(slotBytes)
  const numbers = viewOf(slot)
  slot.writeUInt32LE(slotMagic, 0)
  slot.writeUInt32LE(state.sequence, 8)
  slot.writeUInt32LE(state.incarnation, 12)
  putUint64(numbers, state.hardState.term, 16)
  slot.writeInt32LE(state.hardState.votedFor ?? -1, 24)
  slot.writeUInt32LE(state.durable.segment, 28)
  slot.writeUInt32LE(state.durable.offset, 32)
  const clusterId = Buffer.from(state.hardState.clusterId)
  slot.writeUInt32LE(clusterId.length, 36)
  slot.set(clusterId, 40)
  putUint64(numbers, state.view.index, viewAt)
  putUint64(numbers, state.view.term, viewAt + 8)
  slot.writeUInt32LE(state.closed ? closedFlag : 0, viewAt + 16)
  slot.writeUInt32LE(checksum(slot, 8, slotBytes, seed), 4)
  return slot
}

function decodeSlot(slot: Buffer, seed: number): State | null {
  if (slot.length < slotBytes || slot.readUInt32LE(0) !== slotMagic) return null
  if (slot.readUInt32LE(4) !== checksum(slot, 8, slotBytes, seed)) return null
  const numbers = viewOf(slot)
  const votedFor = slot.readInt32LE(24)
  return {
    sequence: slot.readUInt32LE(8),
    incarnation: slot.readUInt32LE(12),
    hardState: {
      term: getUint64(numbers, 16),
      votedFor: votedFor === -1 ? null : votedFor,
      clusterId: slot.toString('utf8', 40, 40 + slot.readUInt32LE(36)),
    },
    durable: { segment: slot.readUInt32LE(28), offset: slot.readUInt32LE(32) },
    view: { index: getUint64(numbers, viewAt), term: getUint64(numbers, viewAt + 8) },
    closed: (slot.readUInt32LE(viewAt + 16) & closedFlag) !== 0,
  }
}

async function readWhole(fileSystem: FileSystem, path: string): Promise<Buffer | null> {
  let file: OpenFile
  try {
    file = await fileSystem.open(path, 'read')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null
    throw failureOf(`cannot open ${path}`, error, 'unreadable')
  }
  try {
    const content = Buffer.alloc(fileBytes)
    await file.read(content, fileBytes, 0)
    return content
  } catch (error) {
    // A sector that cannot be read is damage like any other: the other file has the same state.
    if (codeOf(error) === 'EIO') return Buffer.alloc(fileBytes)
    throw failureOf(`cannot read ${path}`, error, 'unreadable')
  } finally {
    await file.close()
  }
}

/** The file has the content or is as it was. Its name is durable after a sync of the directory. */
async function writeWhole(
  fileSystem: FileSystem,
  directory: string,
  name: string,
  content: Buffer,
): Promise<void> {
  const temporary = join(directory, `${name}.tmp`)
  const file = await fileSystem.open(temporary, 'create')
  try {
    await file.writeDurably(content, 0)
  } finally {
    await file.close()
  }
  await fileSystem.rename(temporary, join(directory, name))
}
