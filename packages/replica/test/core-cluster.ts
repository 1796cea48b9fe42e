import { failStop, type Member, type Mode, majority, type ReplicaId } from '@chatroom/election'
import type { Entry, HardState, StoredState } from '@chatroom/replication-log'
import type { Effect } from '../src/core/effects.ts'
import type { Event } from '../src/core/events.ts'
import { defaultLimits, type Limits } from '../src/core/limits.ts'
import type { Message } from '../src/core/messages.ts'
import { type Core, createCore } from '../src/core/state.ts'
import { step } from '../src/core/step.ts'

export interface Node {
  readonly id: ReplicaId
  /** What survives a crash. */
  disk: { hardState: HardState; entries: Entry[]; incarnation: number; name: string }
  core: Core | null
  persists: Extract<Effect, { type: 'persist' }>[]
  held: Extract<Effect, { type: 'send' }>[]
  applied: Entry[]
  stopped: boolean
}

/**
 * Cores wired to each other without a shell: every effect is done by hand, in an order the test chooses. Links deliver in order and at once when `settle`
 * is called; disks finish then, too, unless they are held.
 */
export class CoreCluster {
  readonly nodes = new Map<ReplicaId, Node>()
  readonly mode: Mode
  readonly limits: Limits
  readonly effects: { id: ReplicaId; effect: Effect }[] = []
  /** Links over which nothing arrives, as `from>to`. */
  readonly cut = new Set<string>()
  /** Disks that do not finish. */
  readonly heldDisks = new Set<ReplicaId>()
  now = 1_000
  /** Called with every message at the moment at which it leaves. */
  onSend: (from: Node, to: Member, message: Message) => void = () => undefined
  #queue: { from: Member; to: Member; message: Message }[] = []
  #attempts = 0

  constructor(modeName: 'fail-stop' | 'majority', ids: readonly ReplicaId[], limits: Partial<Limits> = {}) {
    this.mode = modeName === 'fail-stop' ? failStop : majority
    this.limits = { ...defaultLimits, ...limits }
    for (const id of ids) {
      this.nodes.set(id, {
        id,
        disk: {
          hardState: { term: 0, votedFor: null, clusterId: '' },
          entries: [],
          incarnation: 0,
          name: `disk${id}`,
        },
        core: null,
        persists: [],
        held: [],
        applied: [],
        stopped: false,
      })
    }
  }

  node(id: ReplicaId): Node {
    const node = this.nodes.get(id)
    if (node === undefined) throw new Error(`no node ${id}`)
    return node
  }

  core(id: ReplicaId): Core {
    const { core } = this.node(id)
    if (core === null) throw new Error(`node ${id} is down`)
    return core
  }

  start(...ids: ReplicaId[]): void {
    for (const id of ids) this.#boot(this.node(id))
    for (const id of ids) this.#linkUp(id)
    this.settle()
  }

  #boot(node: Node): void {
    node.disk.incarnation++
    const ids = [...this.nodes.keys()]
    const { hardState, entries, incarnation, name } = node.disk
    const last = entries.at(-1) ?? { index: 0, term: 0 }
    const stored: StoredState = {
      identity: { replicaId: node.id, disk: name, incarnation },
      hardState,
      snapshot: null,
      before: { index: 0, term: 0 },
      last: { index: last.index, term: last.term },
      termStarts: entries
        .filter((entry, at) => at === 0 || entries[at - 1]?.term !== entry.term)
        .map(({ index, term }) => ({ index, term })),
      views: entries.filter((entry) => entry.kind === 'view'),
      tail: [...entries],
    }
    node.core = createCore({
      mode: this.mode,
      limits: this.limits,
      members: ids,
      peers: ids.filter((id) => id !== node.id),
      stored,
      appliedIndex: 0,
      freshClusterId: `cluster-of-${node.id}`,
      seed: node.id * 7919 + incarnation,
    })
    node.persists = []
    node.held = []
    node.applied = []
    node.stopped = false
    this.dispatch(node.id, { type: 'tick', wallTime: this.now })
  }

  #linkUp(id: ReplicaId): void {
    for (const other of this.nodes.values()) {
      if (other.id === id || other.core === null) continue
      this.connect(id, other.id)
      this.connect(other.id, id)
    }
  }

  /** `from` opens its link to `to`. */
  connect(from: ReplicaId, to: ReplicaId): void {
    const attempt = ++this.#attempts
    const { core } = this.node(to)
    this.dispatch(from, { type: 'observe', observation: { type: 'attempting', peer: to, attempt } })
    if (core === null) {
      this.dispatch(from, {
        type: 'observe',
        observation: { type: 'refused', peer: to, attempt, exact: true },
      })
      return
    }
    const hello = {
      member: core.self,
      clusterId: core.clusterId,
      mode: core.mode.name,
      protocol: 1,
      clientAddress: `client:${to}`,
      pid: 100 + to,
      processStart: '',
    }
    this.dispatch(from, { type: 'observe', observation: { type: 'connected', peer: to, attempt, hello } })
  }

  /** kill -9: what was not durable is lost; the others see broken links and refusals unless `unseen`. */
  crash(...ids: ReplicaId[]): void {
    for (const id of ids) {
      const node = this.node(id)
      node.core = null
      this.#queue = this.#queue.filter((item) => item.to.id !== id && item.from.id !== id)
    }
    for (const id of ids) this.noticeCrash(id)
  }

  noticeCrash(id: ReplicaId): void {
    for (const other of this.nodes.values()) {
      if (other.core === null) continue
      this.dispatch(other.id, { type: 'observe', observation: { type: 'disconnected', peer: id } })
      this.connect(other.id, id)
    }
  }

  dispatch(id: ReplicaId, event: Event): void {
    const node = this.node(id)
    if (node.core === null || node.stopped) return
    for (const effect of step(node.core, event, this.now)) this.#perform(node, effect)
  }

  #perform(node: Node, effect: Effect): void {
    this.effects.push({ id: node.id, effect })
    if (node.core === null) return
    if (effect.type === 'persist') node.persists.push(effect)
    else if (effect.type === 'send') {
      if (effect.after === null) this.#send(node, node.core.self, effect)
      else node.held.push(effect)
    } else if (effect.type === 'apply') {
      for (let index = node.applied.length + 1; index <= effect.upTo; index++) {
        const entry = node.core.log.entryAt(index)
        if (entry === undefined) throw new Error(`node ${node.id}: entry ${index} is not in memory`)
        node.applied.push(entry)
      }
      this.dispatch(node.id, { type: 'applied', index: effect.upTo })
    }
  }

  #send(node: Node, from: Member, { to, message }: { to: Member; message: Message }): void {
    this.onSend(node, to, message)
    this.#queue.push({ from, to, message })
  }

  /** Finishes what the disk of a node has been asked for. */
  flush(id: ReplicaId): boolean {
    const node = this.node(id)
    const persist = node.persists.shift()
    if (persist === undefined || node.core === null) return false
    const { disk } = node
    if (persist.hardState !== null) disk.hardState = persist.hardState
    const cut = persist.truncateFrom
    if (cut !== null) disk.entries = disk.entries.filter((entry) => entry.index < cut)
    disk.entries.push(...persist.entries)
    const ready = node.held.filter((send) => (send.after ?? 0) <= persist.persist)
    node.held = node.held.filter((send) => (send.after ?? 0) > persist.persist)
    for (const send of ready) this.#send(node, node.core.self, send)
    this.dispatch(id, { type: 'persisted', persist: persist.persist })
    return true
  }

  /** Delivers one message; false if there is none. */
  deliver(): boolean {
    const item = this.#queue.shift()
    if (item === undefined) return false
    const { core } = this.node(item.to.id)
    const arrives =
      core !== null &&
      core.self.incarnation === item.to.incarnation &&
      !this.cut.has(`${item.from.id}>${item.to.id}`)
    if (arrives) this.dispatch(item.to.id, { type: 'receive', from: item.from, message: item.message })
    return true
  }

  /** Until nothing is under way. */
  settle(): void {
    for (let busy = true, rounds = 0; busy; rounds++) {
      if (rounds > 100_000) throw new Error('the cluster does not come to rest')
      busy = this.deliver()
      for (const id of this.nodes.keys()) if (!this.heldDisks.has(id)) busy = this.flush(id) || busy
    }
  }

  /** Time passes in small steps, and everything settles after each. */
  pass(ms: number): void {
    for (const end = this.now + ms; this.now < end; ) {
      this.now += 10
      for (const id of this.nodes.keys()) this.dispatch(id, { type: 'tick', wallTime: this.now })
      this.settle()
    }
  }

  propose(id: ReplicaId, ...texts: string[]): void {
    const payloads = texts.map((text) => new TextEncoder().encode(text))
    this.dispatch(id, { type: 'propose', payloads, wallTime: this.now })
  }

  leaders(): ReplicaId[] {
    return [...this.nodes.values()].filter((node) => node.core?.role === 'leader').map((node) => node.id)
  }

  /** Commands applied by a node, as text. */
  commands(id: ReplicaId): string[] {
    return this.node(id)
      .applied.filter((entry) => entry.kind === 'command')
      .map((entry) => new TextDecoder().decode(entry.payload))
  }
}
