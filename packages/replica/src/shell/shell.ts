import type { Member, ReplicaId } from '@chatroom/election'
import { type Damage, StorageError } from '@chatroom/replication-log'
import type { Effect } from '../core/effects.ts'
import type { Event, MemberChange } from '../core/events.ts'
import type { Limits } from '../core/limits.ts'
import { versionFault } from '../core/machine-version.ts'
import type { Message } from '../core/messages.ts'
import { recordStep } from '../core/record.ts'
import { fullDisks, isOutOfRoom } from '../core/space.ts'
import { type Core, createCore, currentView } from '../core/state.ts'
import { step } from '../core/step.ts'
import { type LeaderHint, ReplicaError } from '../errors.ts'
import { checkedLimits, modes, type ReplicaOptions } from '../options.ts'
import { type Clock, systemClock } from '../ports/clock.ts'
import type { ReplicaLoad } from '../ports/observer.ts'
import type { StateMachine } from '../ports/state-machine.ts'
import type { Hello, TransportReceiver } from '../ports/transport.ts'
import { newestView, olderThanData } from '../recovery.ts'
import type { Replica, ReplicaEvent } from '../replica.ts'
import type { ReplicaStatus } from '../status.ts'
import { aborted, raceAbort } from './abort.ts'
import { Applier } from './applier.ts'
import { CommitWatch } from './commit-watch.ts'
import { FollowedCommands } from './followed-commands.ts'
import { helloOf, leaderHint, newClusterId } from './introduction.ts'
import { openWhole } from './mending.ts'
import { Persister } from './persister.ts'
import { outcomeUnknown, type ProposalListener, Proposals, refusal } from './proposals.ts'
import { Questions } from './questions.ts'
import { readAt, settleWith } from './reading.ts'
import { RoundTrips } from './round-trips.ts'
import { restore, type SavedSnapshot, Snapshotter } from './snapshotter.ts'
import { statusOf } from './status-of.ts'

/** How often time passes for the core. */
const TICK_MS = 20

export function createReplica<Command, Reply, Machine extends StateMachine<Command, Reply>>(
  options: ReplicaOptions<Command, Reply, Machine>,
): Replica<Command, Reply, Machine> {
  return new Shell(options, checkedLimits(options))
}

/** What runs once the storage is open. */
interface Running<Command, Reply> {
  readonly core: Core
  readonly persister: Persister
  readonly applier: Applier<Command, Reply>
  readonly snapshotter: Snapshotter<Command, Reply>
}

/**
 * The thin shell around the pure core: hands it what happens, does what it wants done. Every decision is the core's; the shell owns only the ports and
 * those who wait for an answer.
 */
class Shell<Command, Reply, Machine extends StateMachine<Command, Reply>>
  implements Replica<Command, Reply, Machine>
{
  readonly id: ReplicaId
  readonly stateMachine: Machine
  readonly closed: Promise<void>
  readonly #options: ReplicaOptions<Command, Reply, Machine>
  readonly #limits: Limits
  readonly #clock: Clock
  readonly #proposals: Proposals<Reply>
  readonly #questions = new Questions()
  readonly #commits: CommitWatch
  readonly #roundTrips: RoundTrips | null
  readonly #followed: FollowedCommands | null
  readonly #listeners = new Set<(event: ReplicaEvent) => void>()
  readonly #events: Event[] = []
  /** Messages that wait for a persist, ascending by its number. */
  #held: Extract<Effect, { type: 'send' }>[] = []
  #running: Running<Command, Reply> | null = null
  /** It was there for others before it takes part. */
  #listening = false
  #mending: { readonly damage: Damage; readonly words: string } | null = null
  /** As this replica's fencer says. */
  #process: Pick<Hello, 'pid' | 'processStart'> = { pid: 0, processStart: '' }
  readonly #stopping = new AbortController()
  #draining = false
  #stopTicking: () => void = () => undefined
  /** Ends the wait of those that gather for those in the log; null: nobody waits so. */
  #stopWaiting: (() => void) | null = null
  #stopped: ReplicaError | null = null
  #close: { resolve: () => void; reject: (error: ReplicaError) => void } = {
    resolve: () => undefined,
    reject: () => undefined,
  }

  constructor(options: ReplicaOptions<Command, Reply, Machine>, limits: Limits) {
    this.#options = options
    this.#limits = limits
    this.#clock = options.clock ?? systemClock
    const { observer, tracing } = options
    this.#followed = tracing === undefined ? null : new FollowedCommands(tracing, limits.followedCommands)
    this.#proposals = new Proposals(observer)
    this.#commits = new CommitWatch(observer)
    this.#roundTrips = observer === undefined ? null : new RoundTrips(observer)
    this.id = options.id
    this.stateMachine = options.stateMachine
    this.closed = new Promise((resolve, reject) => {
      this.#close = { resolve, reject }
    })
    this.closed.catch(() => undefined)
  }

  async start(): Promise<void> {
    try {
      await this.#start()
    } catch (error) {
      if (this.#listening) await this.#options.transport.stop()
      throw error
    } finally {
      this.#mending = null
    }
  }

  async #start(): Promise<void> {
    const { id, members, mode, stateMachine, storage, transport, observer, peers = [] } = this.#options
    const clock = this.#clock
    this.#process = (await this.#options.fencer?.self?.()) ?? this.#process
    const stored = await openWhole({
      id,
      storage,
      mode,
      sources: this.#options.mendFrom ?? [],
      clock,
      withinMs: this.#options.mendWithinMs ?? 120_000,
      tailBytes: this.#limits.cacheBytes,
      signal: this.#stopping.signal,
      emit: (event) => {
        const { damage, words } = event
        this.#mending = event.type === 'damage mended' ? null : { damage, words }
        this.#emit(event)
      },
      needsOthers: async () => {
        this.#listening = transport.listen !== undefined
        await transport.listen?.(() => this.#whyNotThere())
      },
    })
    if (this.#stopped !== null) {
      await storage.close()
      throw this.#stopped
    }
    if (stored.identity.replicaId !== id) {
      await storage.close()
      throw new ReplicaError(
        'invalid configuration',
        `this data belongs to replica ${stored.identity.replicaId}, not to replica ${id}: give each replica its own data directory`,
      )
    }
    const { machineVersion: needed = 1 } = newestView(stored)
    if (needed > stateMachine.version) {
      await storage.close()
      throw new ReplicaError('unsupported version', olderThanData(needed, stateMachine.version))
    }
    if (stored.snapshot !== null) await restore(stateMachine, storage, clock, observer)
    const failed = (error: unknown): void =>
      this.#halt(error instanceof Error ? error.message : String(error), error)
    const followed = this.#followed
    const core = createCore({
      mode: modes[mode],
      limits: this.#limits,
      members,
      peers: [...new Set([...members, ...peers])].filter((peer) => peer !== id),
      stored,
      appliedIndex: stored.snapshot?.index ?? 0,
      freshClusterId: newClusterId(clock),
      machineVersion: stateMachine.version,
      seed: Math.floor(clock.random() * 2 ** 32),
    })
    const persister = new Persister(
      storage,
      clock,
      {
        persisted: (persist) => {
          this.#followed?.persisted(persist)
          this.#release(persist)
          this.#dispatch({ type: 'persisted', persist })
          if (core.lead !== null) this.#commits.held(id, core.log.durable, clock.now())
        },
        failed,
        full: (full) => {
          this.#dispatch({ type: 'storageFull', full })
          this.#emit({ type: 'storage full', full })
          // It may be what gives room back: the log behind it goes.
          if (full) this.#running?.snapshotter.takeIfDue(core, 1)
        },
        ...(observer === undefined ? {} : { observer }),
        ...(followed === null ? {} : { writing: (persist, entries) => followed.writing(persist, entries) }),
      },
      this.#options.storageQuotaBytes,
    )
    const applier = new Applier(stateMachine, storage, clock, () => core.log, core.appliedIndex, {
      replied: (entry, reply) => {
        this.#followed?.applied(entry.index)
        this.#proposals.applied(entry.index, entry.term, reply)
      },
      applied: (index) => {
        this.#dispatch({ type: 'applied', index })
        if (this.#stopWaiting !== null && this.#proposals.inLog < this.#limits.gatherBeyond) this.#handInNow()
        this.#running?.snapshotter.takeIfDue(core, this.#options.snapshotEveryBytes ?? 64 * 1024 * 1024)
      },
      failed,
    })
    const dispatch = (event: Event): void => this.#dispatch(event)
    const snapshotter = new Snapshotter({
      machine: stateMachine,
      storage,
      persister,
      applier,
      clock,
      observer,
      newest: stored.snapshot,
      dispatch,
      failed,
      emit: (event) => this.#emit(event),
    })
    this.#running = { core, persister, applier, snapshotter }
    const receiver: TransportReceiver = {
      receive: (from, message) => {
        this.#roundTrips?.received(from.id, message, clock.now())
        this.#dispatch({ type: 'receive', from, message })
        const progress = message.type === 'appended' ? core.lead?.progress.get(from.id) : undefined
        if (progress !== undefined) this.#commits.held(from.id, progress.match, clock.now())
      },
      observe: (observation) => this.#dispatch({ type: 'observe', observation }),
      hello: () => helloOf(core, { ...this.#process, ...this.#options.hello }),
    }
    try {
      await transport.start(receiver)
    } catch (error) {
      this.#running = null
      await storage.close()
      throw error
    }
    transport.closed.catch(failed)
    this.#tick()
    this.#stopTicking = clock.every(TICK_MS, () => this.#tick())
  }

  propose(
    command: Command,
    { signal, trace = null }: { readonly signal?: AbortSignal; readonly trace?: string | null } = {},
  ): Promise<Reply> {
    const reply = new Promise<Reply>((resolve, reject) => {
      const refused = signal?.aborted
        ? aborted()
        : this.#take(
            [command],
            {
              replied: (_, answer) => resolve(answer),
              failed: (_, error) => reject(error),
            },
            trace === null ? undefined : [trace],
            () => this.#clock.soon(() => this.#handIn()),
          )
      if (refused !== null) reject(refused)
    })
    return signal === undefined ? reply : raceAbort(reply, signal)
  }

  proposeAll(
    commands: readonly Command[],
    listener: ProposalListener<Reply>,
    traces?: readonly (string | null)[],
  ): ReplicaError | null {
    // They are a batch already. With more than a few in the log what comes meanwhile goes together.
    return this.#take(commands, listener, traces, () => queueMicrotask(() => this.#handIn()))
  }

  /** `first`: called if nothing else waits to be handed in. */
  #take(
    commands: readonly Command[],
    listener: ProposalListener<Reply>,
    traces: readonly (string | null)[] | undefined,
    first: () => void,
  ): ReplicaError | null {
    if (this.#stopped !== null) return this.#stopped
    const refused = this.#whyNotNow(commands)
    if (refused !== null) {
      this.#options.observer?.proposalsFailed(refused.code, commands.length)
      return refused
    }
    const payloads = commands.map((command) => this.stateMachine.encode(command))
    if (payloads.length === 0) return null
    this.#followed?.proposed(payloads.length, traces)
    if (this.#proposals.add(payloads, listener)) first()
    return null
  }

  /** Why these commands are not taken; most often, why none is. */
  #whyNotNow(commands: readonly Command[]): ReplicaError | null {
    if (this.#running === null) return new ReplicaError('stopped', this.#whyNotThere())
    const { core } = this.#running
    if (core.role !== 'leader') return refusal('not leader', this.#leader(core))
    if (isOutOfRoom(core)) return refusal('storage full', null, fullDisks(core))
    if (this.#proposals.size >= (this.#options.maxProposals ?? 20_000)) return refusal('overloaded', null)
    let needed = 1
    for (const command of commands) needed = Math.max(needed, this.stateMachine.neededVersion?.(command) ?? 1)
    const unsupported = versionFault(core, needed)
    return unsupported === null ? null : new ReplicaError('unsupported version', unsupported)
  }

  async read<T>(query: (stateMachine: Machine) => T): Promise<T> {
    const core = this.#core()
    if (core.role !== 'leader') throw refusal('not leader', this.#leader(core))
    return new Promise<T>((resolve, reject) => {
      const ticket = this.#questions.askRead({
        resolve: () => settleWith(() => query(this.stateMachine), resolve, reject),
        reject,
      })
      this.#dispatch({ type: 'read', ticket })
    })
  }

  async transferLeadership(to?: ReplicaId): Promise<void> {
    this.#core()
    return new Promise<void>((resolve, reject) => {
      this.#questions.askTransfer({ resolve, reject })
      this.#dispatch({ type: 'transfer', to: to ?? null })
    })
  }

  async changeMembers(change: MemberChange): Promise<void> {
    this.#core()
    return new Promise<void>((resolve, reject) => {
      this.#questions.askChange({ resolve, reject })
      this.#dispatch({ type: 'changeMembers', change, wallTime: this.#clock.wallTime() })
    })
  }

  async leave(): Promise<void> {
    const core = this.#core()
    if (core.departure?.phase === 'over') return
    return new Promise<void>((resolve, reject) => {
      this.#questions.askLeave({ resolve, reject })
      this.#dispatch({ type: 'leave' })
    })
  }

  on(listener: (event: ReplicaEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async stop(): Promise<void> {
    if (this.#stopped !== null) return
    this.#end(new ReplicaError('stopped', `replica ${this.id} has stopped`))
    await this.#options.transport.stop()
    await this.#options.storage.close()
    this.#close.resolve()
  }

  status(): ReplicaStatus {
    const core = this.#core()
    const pid = this.#options.hello?.pid ?? this.#process.pid
    const members = currentView(core).members.map((member) => member.id)
    const slowestMember = this.#commits.slowestOf(members, this.#clock.now())
    return statusOf(core, { pid, leader: this.#leader(core), slowestMember })
  }

  async readAt<T>(
    index: number,
    query: (stateMachine: Machine) => T,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<T> {
    this.#core()
    const { applier } = this.#running ?? {}
    if (signal?.aborted || applier === undefined) throw aborted()
    return readAt(applier, index, () => query(this.stateMachine), signal)
  }

  async snapshot(): Promise<SavedSnapshot | null> {
    const core = this.#core()
    return (await this.#running?.snapshotter.save(core)) ?? null
  }

  mending(): { readonly damage: Damage; readonly words: string } | null {
    return this.#mending
  }

  load(): ReplicaLoad {
    const core = this.#core()
    return {
      proposals: this.#proposals.size,
      persists: this.#running?.persister.waiting ?? 0,
      heldMessages: this.#held.length,
      queuedBytes: new Map([...core.peers.keys()].map((id) => [id, this.#options.transport.queuedBytes(id)])),
    }
  }

  #core(): Core {
    if (this.#stopped !== null) throw this.#stopped
    if (this.#running === null) throw new ReplicaError('stopped', this.#whyNotThere())
    return this.#running.core
  }

  #whyNotThere(): string {
    return this.#mending === null
      ? `replica ${this.id} has not started`
      : `replica ${this.id} does not take part yet: ${this.#mending.words}`
  }

  #tick(): void {
    this.#dispatch({ type: 'tick', wallTime: this.#clock.wallTime() })
    this.#running?.applier.applyGathered()
  }

  /** What was gathered enters the log, unless enough is on its way there: then it waits for that, and gathers on. */
  #handIn(): void {
    if (this.#stopped !== null || this.#stopWaiting !== null) return
    if (this.#proposals.inLog < this.#limits.gatherBeyond) this.#handInNow()
    else this.#stopWaiting = this.#clock.after(this.#limits.gatherMs, () => this.#handInNow())
  }

  #handInNow(): void {
    this.#stopWaiting?.()
    this.#stopWaiting = null
    if (this.#stopped !== null) return
    this.#followed?.handedIn()
    this.#dispatch({ type: 'propose', payloads: this.#proposals.handIn(), wallTime: this.#clock.wallTime() })
  }

  /** One event at a time: what an effect causes at once waits until the effects before it are done. */
  #dispatch(event: Event): void {
    if (this.#stopped !== null || this.#running === null) return
    this.#events.push(event)
    if (this.#draining) return
    this.#draining = true
    try {
      this.#drain(this.#running)
    } catch (error) {
      // What nobody foresaw has left the core half-way through a step: it must not say anything more.
      this.#halt(`a fault in the program: ${error instanceof Error ? error.message : String(error)}`, error)
    }
    this.#draining = false
  }

  #drain(running: Running<Command, Reply>): void {
    for (let next = this.#events.shift(); next !== undefined; next = this.#events.shift()) {
      const effects = step(running.core, next, this.#clock.now())
      this.#options.recorder?.(recordStep(running.core, next, effects))
      this.#followed?.stepped(next, effects)
      for (const effect of effects) {
        this.#perform(effect, running)
        if (this.#stopped !== null) return
      }
    }
  }

  #perform(effect: Effect, { core, persister, applier, snapshotter }: Running<Command, Reply>): void {
    switch (effect.type) {
      case 'persist':
        // A leader's own disk comes after what it sends: the others' disks come later still.
        return core.lead === null ? persister.persist(effect) : persister.persistSoon(effect)
      case 'send':
        if (effect.after !== null) this.#held.push(effect)
        else {
          this.#roundTrips?.sent(effect.to.id, effect.message, this.#clock.now())
          this.#send(effect.to, effect.message)
        }
        return
      case 'apply':
        if (core.lead !== null) this.#commits.committed(effect.upTo, this.#waitedFor(core), this.#clock.now())
        // A follower's disk comes first: the leader waits for it, and nobody for what is applied here.
        return core.lead === null
          ? persister.afterWrite(() => applier.applyWithOthers(effect.upTo))
          : applier.applyUpTo(effect.upTo)
      case 'proposed': {
        const commands = this.#proposals.proposed(effect.first, effect.term)
        return this.#commits.entered(effect.first + commands - 1, commands, this.#clock.now())
      }
      case 'proposalRefused':
        return this.#proposals.refused(refusal(effect.why, this.#leader(core), fullDisks(core)))
      case 'leadershipLost':
        this.#commits.forget()
        return this.#proposals.fail(outcomeUnknown())
      case 'readReady':
        return this.#questions.readReady(effect.ticket)
      case 'readRefused':
        return this.#questions.readRefused(effect.ticket, refusal(effect.why, this.#leader(core)))
      case 'readLog':
        this.#options.storage.read(effect.from, effect.maxBytes).then(
          (entries) => this.#dispatch({ type: 'logRead', peer: effect.peer, from: effect.from, entries }),
          (error: unknown) => {
            // What is damaged is mended before a replica takes part: so this one has to begin anew.
            if (error instanceof StorageError && error.code === 'corrupt')
              return this.#halt(`${error.message}; its next start mends that`, error)
            this.#dispatch({ type: 'logRead', peer: effect.peer, from: effect.from, entries: [] })
          },
        )
        return
      case 'readSnapshot':
        return snapshotter.read(effect, core)
      case 'writeSnapshot':
        return snapshotter.write(effect)
      case 'compact':
        return persister.exclusive(() => this.#options.storage.compact(effect.index))
      case 'fence':
        this.#options.fencer?.fence(effect.hello, effect.silentMs).catch((error: unknown) => {
          this.#emit({
            type: 'fencing failed',
            reason: error instanceof Error ? error.message : String(error),
          })
        })
        return
      case 'transferred':
        return this.#questions.transferred(effect.ok, effect.words)
      case 'membersChanged':
        return this.#questions.changed(effect.ok, effect.words)
      case 'left':
        return this.#questions.left()
      case 'report':
        return this.#emit(effect.report)
      case 'halt':
        return this.#halt(effect.reason, null)
    }
  }

  /** Whom a commit waits for: in fail-stop mode every member of the view; in majority mode nobody in particular. */
  #waitedFor(core: Core): ReplicaId[] | null {
    return core.mode.name === 'fail-stop' ? currentView(core).members.map((member) => member.id) : null
  }

  /** Messages whose persist is done may leave, in their order. */
  #release(persist: number): void {
    let ready = 0
    for (const { after } of this.#held) {
      if (after !== null && after > persist) break
      ready++
    }
    if (ready === 0) return
    const released = this.#held.slice(0, ready)
    this.#held = this.#held.slice(ready)
    for (const { to, message } of released) this.#send(to, message)
  }

  #send(to: Member, message: Message): void {
    this.#options.transport.send(to, this.#followed?.labelled(message) ?? message)
  }

  #leader(core: Core): LeaderHint | null {
    return leaderHint(core, this.#options.hello?.clientAddress)
  }

  #emit(event: ReplicaEvent): void {
    for (const listener of this.#listeners) listener(event)
  }

  /** Nothing may be acknowledged or said any more: an impossible state, or a disk that broke its promise. */
  #halt(reason: string, cause: unknown): void {
    if (this.#stopped !== null) return
    const error = new ReplicaError('halted', `replica ${this.id} stopped itself: ${reason}`, { cause })
    this.#end(error)
    this.#emit({ type: 'halted', reason })
    const closing = [this.#options.transport.stop(), this.#options.storage.close()]
    void Promise.allSettled(closing).then(() => this.#close.reject(error))
  }

  #end(error: ReplicaError): void {
    this.#stopped = error
    this.#stopping.abort()
    this.#stopTicking()
    this.#stopWaiting?.()
    this.#running?.persister.stop()
    this.#running?.applier.stop()
    this.#followed?.abandon(error.code)
    this.#held = []
    this.#proposals.failAll(
      error.code === 'halted' ? error : new ReplicaError('outcome unknown', error.message),
    )
    this.#questions.failAll(error)
  }
}
