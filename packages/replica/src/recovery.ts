import { decodeView, encodeView, type PlacedView, type ReplicaId } from '@chatroom/election'
import type { Position, Storage, StoredState } from '@chatroom/replication-log'
import { ReplicaError } from './errors.ts'
import { systemClock } from './ports/clock.ts'
import { applyPayload, type StateMachine } from './ports/state-machine.ts'
import { restore } from './shell/snapshotter.ts'

/** Bytes of the log read at a time. */
const READ_BYTES = 1024 * 1024

/**
 * The data of a replica whose cluster cannot go on, because replicas it has to wait for will not come back (rule 6). Opening it locks it: no replica can run on it
 * meanwhile.
 */
export class StrandedReplica {
  readonly id: number
  /** The newest view it knows: all members of it would have to come back. */
  readonly view: PlacedView
  /** Every replica that a view it still has names, ascending. */
  readonly named: readonly ReplicaId[]
  /** Where its log ends. */
  readonly last: Position
  /** When the newest entry was taken, by the clock of the leader of then: milliseconds since 1970; 0 if that is not known. */
  readonly lastTime: number
  readonly #storage: Storage
  readonly #stored: StoredState

  private constructor(storage: Storage, stored: StoredState) {
    this.#storage = storage
    this.#stored = stored
    this.id = stored.identity.replicaId
    this.view = newestView(stored)
    const views = [this.view, ...stored.views.map(({ payload }) => decodeView(payload))]
    const ids = views.flatMap(({ members }) => members.map((member) => member.id))
    this.named = [...new Set(ids)].toSorted((a, b) => a - b)
    this.last = stored.last
    this.lastTime = stored.tail.at(-1)?.time ?? stored.snapshot?.time ?? 0
  }

  /** Rejects with a `StorageError`: 'locked' if a replica runs on it. */
  static async open(storage: Storage): Promise<StrandedReplica> {
    return new StrandedReplica(storage, await storage.open({ tailBytes: READ_BYTES }))
  }

  /** False in a cluster that never began, and in majority mode, where a view names no incarnations and nothing brings others back in. */
  get isOfFailStop(): boolean {
    return this.view.members.some(({ incarnation }) => incarnation > 0)
  }

  /**
   * Makes it the only member of a new cluster with all that its log holds: also entries at the end that were never acknowledged. `clusterId`: random, a new one; whoever
   * belongs to the old cluster is refused by the new one from then on. `machine`: a new one. When this is interrupted it can be done again.
   */
  async foundCluster<Command, Reply>(
    clusterId: string,
    machine: StateMachine<Command, Reply>,
  ): Promise<void> {
    if (!this.isOfFailStop)
      throw new ReplicaError('invalid configuration', `replica ${this.id} is of no cluster in fail-stop mode`)
    const { machineVersion = 1 } = this.view
    if (machineVersion > machine.version)
      throw new ReplicaError('unsupported version', olderThanData(machineVersion, machine.version))
    await this.#replay(machine)
    const { identity, hardState, last } = this.#stored
    const position = { index: last.index + 1, term: Math.max(hardState.term, last.term) + 1 }
    const { replicaId: id, disk, incarnation } = identity
    // The name first: what has the new view must never be taken for one of the old cluster.
    await this.#storage.persist({
      hardState: { term: position.term, votedFor: null, clusterId },
      entries: [],
    })
    // A snapshot instead of an entry: nothing of the log of the old cluster is sent to the members of the new one.
    const writer = await this.#storage.createSnapshot({
      ...position,
      time: this.lastTime,
      view: encodeView({ ...this.view, members: [{ id, disk, incarnation }], learners: [], clusterId }),
      viewPosition: position,
    })
    for (const chunk of machine.snapshot()) await writer.write(chunk)
    await writer.commit()
    await this.#storage.resetToSnapshot()
  }

  /** Gives the data back. */
  async close(): Promise<void> {
    await this.#storage.close()
  }

  async #replay<Command, Reply>(machine: StateMachine<Command, Reply>): Promise<void> {
    const { snapshot, last } = this.#stored
    if (snapshot !== null) await restore(machine, this.#storage, systemClock, undefined)
    for (let next = (snapshot?.index ?? 0) + 1; next <= last.index; ) {
      for (const { index, term, time, kind, payload } of await this.#storage.read(next, READ_BYTES)) {
        if (kind === 'command') applyPayload(machine, payload, { index, term, time })
        next = index + 1
      }
    }
  }
}

/** What is said of data that a later version of the program wrote. */
export function olderThanData(needed: number, version: number): string {
  return `this data needs version ${needed} of the state machine, and this program has version ${version}: install the version that wrote it, or a later one`
}

/** The newest view of stored data; without members if there is none. */
export function newestView({ snapshot, views }: StoredState): PlacedView {
  const entry = views.at(-1)
  if (entry !== undefined && entry.index > (snapshot?.viewPosition.index ?? 0))
    return { ...decodeView(entry.payload), index: entry.index, term: entry.term }
  if (snapshot !== null) return { ...decodeView(snapshot.view), ...snapshot.viewPosition }
  return { members: [], learners: [], clusterId: '', index: 0, term: 0 }
}
