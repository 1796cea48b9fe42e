import type { ModeName, ReplicaId } from '@chatroom/election'
import {
  createReplica,
  type Fencer,
  type Replica,
  type StateMachine,
  type StepRecord,
} from '@chatroom/replica'
import type { Storage } from '@chatroom/replication-log'
import type { Conditions } from '../faults/conditions.ts'
import type { Operator, Stage } from '../faults/stage.ts'
import type { Oracle } from '../invariants/oracle.ts'
import type { Violations } from '../invariants/violation.ts'
import { Random } from '../kernel/random.ts'
import type { Timeline } from '../kernel/timeline.ts'
import type { Trace } from '../kernel/trace.ts'
import type { Recorded } from '../run/recorded.ts'
import { describeEvent, describeMessage, kindOfEvent, kindOfMessage } from './describe.ts'
import { HostClock, processClock } from './virtual-clock.ts'
import { VirtualDisk } from './virtual-disk.ts'
import { type EntryKeeper, virtualEntrySource } from './virtual-entry-source.ts'
import { VirtualNetwork } from './virtual-network.ts'
import { VirtualProcess } from './virtual-process.ts'
import { VirtualTransport } from './virtual-transport.ts'
import { type Placed, WatchedMachine } from './watched-machine.ts'
import { WatchedStorage } from './watched-storage.ts'

export interface ClusterOptions<Command, Reply, Machine extends StateMachine<Command, Reply>> {
  readonly seed: number
  readonly mode: ModeName
  readonly members: readonly ReplicaId[]
  /** Replicas that exist and are no members at first. */
  readonly spares: readonly ReplicaId[]
  readonly machine: () => Machine
  readonly conditions: Conditions
  readonly fencer: boolean
  readonly timeline: Timeline
  readonly trace: Trace
  readonly violations: Violations
  readonly oracle: Oracle
  readonly record?: ((recorded: Recorded) => void) | undefined
}

type VirtualReplica<Command, Reply, Machine extends StateMachine<Command, Reply>> = Replica<
  Command,
  Placed<Reply>,
  WatchedMachine<Command, Reply, Machine>
>

/** What runs in a process. */
export interface Program<Command, Reply, Machine extends StateMachine<Command, Reply>> {
  readonly process: VirtualProcess
  readonly replica: VirtualReplica<Command, Reply, Machine>
  readonly machine: WatchedMachine<Command, Reply, Machine>
  readonly transport: VirtualTransport
  readonly storage: Pick<Storage, 'read'>
  /** Its `start` resolved. */
  up: boolean
}

/** The place of one replica: a disk, a clock, and at most one process. */
export interface Host<Command, Reply, Machine extends StateMachine<Command, Reply>> {
  readonly id: ReplicaId
  readonly disk: VirtualDisk
  readonly clock: HostClock
  program: Program<Command, Reply, Machine> | null
  /** Why its last process did not come up or stopped itself, for reports. */
  lastWords: string
}

/** All replicas, their hosts and what connects them. */
export class Cluster<Command, Reply, Machine extends StateMachine<Command, Reply>> implements Stage {
  readonly network: VirtualNetwork
  readonly hosts: readonly Host<Command, Reply, Machine>[]
  readonly #options: ClusterOptions<Command, Reply, Machine>
  #pids = 100
  /** Told whenever a process has ended. */
  onEnd: (host: Host<Command, Reply, Machine>, why: string) => void = () => undefined
  /** Replicas halt only where the run says that they may: any other halt is a violation. */
  haltAllowed = false
  newLeadersDieAfter: number | null = null
  onElection: (() => void) | null = null
  /** The fencer does not work. */
  fencerBroken = false
  /** An operator wants to found a new cluster, without one host's disk if that is not null. Null: nobody does. */
  recovery: { readonly without: ReplicaId | null } | null = null

  constructor(options: ClusterOptions<Command, Reply, Machine>) {
    this.#options = options
    const { seed, timeline, trace, conditions } = options
    this.network = new VirtualNetwork(timeline, seed, trace)
    this.network.delay = conditions.networkMs
    const { flushMs } = conditions
    const rates = new Random(seed, 'clock rates')
    this.hosts = [...options.members, ...options.spares].map((id) => ({
      id,
      disk: new VirtualDisk({
        timeline,
        random: new Random(seed, `disk ${id}`),
        names: new Random(seed, `names of disk ${id}`),
        replica: id,
        name: `d${id}`,
        flushMs,
      }),
      clock: new HostClock(timeline, 1 + rates.between(-0.01, 0.01)),
      program: null,
      lastWords: '',
    }))
  }

  host(id: ReplicaId): Host<Command, Reply, Machine> {
    const host = this.hosts.find((candidate) => candidate.id === id)
    if (host === undefined) throw new RangeError(`no replica ${id} in this cluster`)
    return host
  }

  /** Starts the replica's process if none runs. */
  start(id: ReplicaId): void {
    const host = this.host(id)
    if (host.program !== null) return
    const { timeline, trace, violations, oracle, seed, conditions, record } = this.#options
    const pid = this.#pids++
    const process = new VirtualProcess({
      replica: id,
      pid,
      timeline,
      ended: (why) => this.#ended(host, process, why),
      crashed: (error) => {
        violations.add(
          'nothing throws',
          `r${id}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
        )
      },
    })
    trace.note('starts', id, pid)
    const machine = new WatchedMachine<Command, Reply, Machine>(
      this.#options.machine(),
      process,
      (applied) => {
        trace.note(
          'applies',
          id,
          applied.index,
          applied.commandHash,
          () => `${applied.index} of term ${applied.term}`,
        )
        oracle.applied(process, applied)
      },
    )
    const storage = new WatchedStorage(process, host.disk, timeline, {
      opened: (stored) => {
        trace.note(
          'opens',
          id,
          stored.last.index,
          stored.hardState.term,
          () =>
            `${stored.identity.disk} as incarnation ${stored.identity.incarnation}: log ${stored.before.index}..${stored.last.index} of term ${stored.last.term}, term ${stored.hardState.term}`,
        )
        oracle.processStarts(process, () => replica.status(), stored)
        record?.({ type: 'starts', replica: id, stored })
      },
      persisting: (batch) => {
        const last = batch.entries.at(-1)
        trace.note(
          'writes',
          id,
          last?.index ?? 0,
          (batch.truncateFrom ?? 0) * 4096 + (batch.hardState?.term ?? 0),
          () => {
            const { hardState, truncateFrom, entries } = batch
            const parts = []
            if (hardState !== undefined)
              parts.push(`term ${hardState.term} vote ${hardState.votedFor ?? 'none'}`)
            if (truncateFrom !== undefined) parts.push(`cuts from ${truncateFrom}`)
            if (entries[0] !== undefined)
              parts.push(`entries ${entries[0].index}..${last?.index} of term ${last?.term}`)
            return parts.join(', ')
          },
        )
        oracle.persisting(process, batch)
      },
      persisted: (batch) => {
        trace.note('durable', id, batch.entries.at(-1)?.index ?? 0, batch.hardState?.term ?? 0)
        oracle.persisted(process, batch)
      },
      snapshotInstalled: (info) => {
        trace.note('installs snapshot', id, info.index, info.term, () => `${info.index} of term ${info.term}`)
        oracle.snapshotInstalled(process, info)
      },
      compacted: (index) => {
        trace.note('compacts', id, index, 0, () => `to ${index}`)
        oracle.compacted(process, index)
      },
    })
    const transport = new VirtualTransport({
      network: this.network,
      timeline,
      process,
      peers: this.hosts.map((other) => other.id).filter((other) => other !== id),
      exactRefusals: this.#options.mode === 'fail-stop',
      sent: (to, message) => {
        trace.note(
          kindOfMessage(message),
          id,
          to.id,
          message.term,
          () => `to r${to.id}: ${describeMessage(message)}`,
        )
        oracle.sent(process, to, message)
      },
    })
    const replica: VirtualReplica<Command, Reply, Machine> = createReplica<
      Command,
      Placed<Reply>,
      WatchedMachine<Command, Reply, Machine>
    >({
      id,
      members: this.#options.members,
      peers: this.hosts.map((other) => other.id),
      mode: this.#options.mode,
      stateMachine: machine,
      storage,
      transport,
      ...(this.#options.fencer && { fencer: this.#fencer(process) }),
      clock: processClock(process, timeline, host.clock, new Random(seed, `process ${pid}`)),
      hello: { clientAddress: `r${id}`, pid, processStart: `p${pid}` },
      ...(record !== undefined && {
        recorder: (step: StepRecord) => record({ type: 'step', replica: id, step }),
      }),
      limits: conditions.limits,
      snapshotEveryBytes: conditions.snapshotEveryBytes,
      mendFrom: this.hosts
        .filter((other) => other !== host)
        .map((other) =>
          virtualEntrySource({
            asker: process,
            asked: other.id,
            network: this.network,
            timeline,
            keeper: () => this.#keeper(other),
          }),
        ),
    })
    const program = { process, replica, machine, transport, storage, up: false }
    host.program = program
    replica.on((event) => {
      if (!process.alive) return
      trace.note(kindOfEvent(event), id, 0, 0, () => describeEvent(event))
      if (event.type === 'halted') {
        host.lastWords = event.reason
        if (!this.haltAllowed && !host.disk.failed)
          violations.add('no replica halts', `r${id}: ${event.reason}`)
        timeline.after(0, () => process.kill('it stopped itself'))
        return
      }
      oracle.reported(process, event)
      if (event.type !== 'role' || event.role !== 'leader') return
      if (this.newLeadersDieAfter !== null) process.dieAfterEffects(this.newLeadersDieAfter)
      this.onElection?.()
    })
    replica.start().then(
      () => {
        program.up = true
      },
      (error: unknown) => {
        if (!process.alive) return
        host.lastWords = error instanceof Error ? error.message : String(error)
        trace.note('does not start', id, 0, 0, () => host.lastWords)
        process.kill('it did not start')
      },
    )
  }

  /** Everything that is alive and came up. */
  programs(): Program<Command, Reply, Machine>[] {
    const found: Program<Command, Reply, Machine>[] = []
    for (const { program } of this.hosts) if (program?.up && program.process.alive) found.push(program)
    return found
  }

  /** Good paths and disks from here on: so that what takes long after the faults is a mistake and no patience. */
  becomeFast(): void {
    this.network.delay = [0.05, 1]
    for (const { disk } of this.hosts) disk.flushMs = [0.2, 3]
  }

  /** A state machine in the hands of an operator's program: nobody hears what it applies. */
  unheard(): WatchedMachine<Command, Reply, Machine> {
    const nobody = { mayAct: () => false }
    return new WatchedMachine<Command, Reply, Machine>(this.#options.machine(), nobody, () => undefined)
  }

  leader(): ReplicaId | null {
    return this.programs().find(({ replica }) => replica.status().serving)?.replica.id ?? null
  }

  canLoseDiskOf(id: ReplicaId): boolean {
    // Who founds a cluster alone founds another one on an empty disk: nobody has to agree.
    if (this.#options.members.length === 1) return false
    const all = this.programs().map(({ replica }) => replica.status())
    const leader = all.find(({ serving, viewInForce }) => serving && viewInForce)
    if (leader === undefined || leader.view.members.length < 3) return false
    // What it vouched for a moment ago, and the leader does not know yet, would be committed with one disk less than there have to be.
    const last = all.find((status) => status.id === id)?.lastIndex
    if (last === undefined || last > leader.commitIndex) return false
    return leader.view.members.every((member) => member.disk === this.host(member.id).disk.name)
  }

  rot(id: ReplicaId, share: number): void {
    const { program, disk } = this.host(id)
    if (program === null || !program.up) return
    const { view, viewInForce, commitIndex, snapshotIndex } = program.replica.status()
    const named = view.members.some((member) => member.id === id && member.disk === disk.name)
    if (!named || !viewInForce || view.members.length < 2 || commitIndex === snapshotIndex) return
    disk.damage(snapshotIndex + 1 + Math.floor(share * (commitIndex - snapshotIndex)))
    program.process.kill('a bit has flipped in its log')
  }

  forceRecovery(without: ReplicaId | null): void {
    this.recovery = { without }
  }

  askLeader(request: (leader: Operator) => Promise<void>): void {
    const { trace } = this.#options
    for (const { process, replica } of this.programs()) {
      if (process.state !== 'running' || !replica.status().serving) continue
      request(replica).then(
        () => trace.note('operator succeeds', replica.id),
        (error: unknown) =>
          trace.note('operator fails', replica.id, 0, 0, () =>
            error instanceof Error ? error.message : String(error),
          ),
      )
    }
  }

  #keeper({ program }: Host<Command, Reply, Machine>): EntryKeeper | null {
    if (program === null || !program.up || !program.process.alive) return null
    const { process, storage, replica } = program
    return {
      process,
      storage,
      status: () => replica.status(),
      snapshot: () => replica.snapshot(),
    }
  }

  #ended(host: Host<Command, Reply, Machine>, process: VirtualProcess, why: string): void {
    const { trace, oracle, record } = this.#options
    trace.note('ends', host.id, process.pid, 0, () => `(${why})`)
    host.program?.transport.processEnded()
    host.program = null
    const { namesLost } = host.disk
    host.disk.crash({ torn: this.#options.conditions.tornWrites })
    if (host.disk.namesLost > namesLost) trace.note('loses a directory entry', host.id)
    record?.({ type: 'ends', replica: host.id })
    oracle.processEnded(process)
    this.onEnd(host, why)
  }

  #fencer(by: VirtualProcess): Fencer {
    return {
      fence: async (hello) => {
        if (!by.mayAct()) return
        const { timeline, trace } = this.#options
        if (this.fencerBroken) throw new Error('the fencer does not work')
        timeline.after(1, () => {
          const target = this.host(hello.member.id).program?.process
          if (target === undefined || target.pid !== hello.pid) return
          trace.note('fences', by.replica, target.replica, target.pid, () => `r${target.replica}`)
          target.kill(`fenced by r${by.replica}`)
        })
      },
    }
  }
}
