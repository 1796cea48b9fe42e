import { type ProposalListener, ReplicaError, type ReplicaErrorCode } from '@chatroom/replica'
import { Chat, type ChatLimits, type Command, type Reply } from '@chatroom/state-machine'
import type { ChatReplica } from '../src/ports.ts'

interface Pending {
  readonly command: Command
  readonly at: number
  readonly listener: ProposalListener<Reply>
}

/**
 * A replica alone, in memory: what is proposed is applied to a real chat, in order, through the encoded form that a log would hold. A test can hold commits
 * back, take leadership away, and refuse what it likes.
 */
export class SingleReplica implements ChatReplica {
  readonly stateMachine: Chat
  /** What has been proposed and applied, in order. */
  readonly log: Command[] = []
  /** What each command that was proposed was to be followed as. */
  readonly traces: (string | null)[] = []
  /** What a proposal fails with at once; null: nothing. */
  refuse: ((command: Command) => ReplicaErrorCode | null) | null = null
  readonly #now: () => number
  readonly #listeners = new Set<() => void>()
  #pending: Pending[] = []
  #held = false
  #scheduled = false
  #leads = true
  #leaderAddress: string | null = null
  #index = 0
  #term = 1
  #time = 0

  constructor(options: { now: () => number; limits?: Partial<ChatLimits> }) {
    this.#now = options.now
    this.stateMachine = new Chat(options.limits)
  }

  /** Proposals under way. */
  get pending(): number {
    return this.#pending.length
  }

  async propose(command: Command, { trace = null }: { readonly trace?: string | null } = {}): Promise<Reply> {
    return await new Promise((resolve, reject) => {
      const listener: ProposalListener<Reply> = {
        replied: (_, reply) => resolve(reply),
        failed: (_, error) => reject(error),
      }
      const refused = this.proposeAll([command], listener, [trace])
      if (refused !== null) reject(refused)
    })
  }

  proposeAll(
    commands: readonly Command[],
    listener: ProposalListener<Reply>,
    traces: readonly (string | null)[] = [],
  ): ReplicaError | null {
    this.traces.push(...commands.map((_, at) => traces[at] ?? null))
    for (const command of commands) {
      const refused = this.refuse?.(command) ?? null
      if (refused !== null) return new ReplicaError(refused, 'as the test wants it')
    }
    if (!this.#leads) return this.#notLeader()
    for (const [at, command] of commands.entries()) this.#pending.push({ command, at, listener })
    this.#commitSoon()
    return null
  }

  async read<T>(query: (chat: Chat) => T): Promise<T> {
    if (!this.#leads) throw this.#notLeader()
    return query(this.stateMachine)
  }

  status() {
    return {
      id: 0,
      serving: this.#leads,
      leader: this.#leads ? 0 : this.#leaderAddress === null ? null : 1,
      leaderAddress: this.#leaderAddress,
      term: this.#term,
    }
  }

  on(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Nothing commits until `release`. */
  hold(): void {
    this.#held = true
  }

  /** Commits the oldest `count` proposals that wait, or all, and goes on holding the rest if it was told how many. */
  release(count = Infinity): void {
    if (count === Infinity) this.#held = false
    this.#commit(count)
  }

  /** Another replica leads now: what is under way has an unknown outcome. */
  loseLeadership(leaderAddress: string | null = null): void {
    this.#leads = false
    this.#leaderAddress = leaderAddress
    this.#term++
    for (const { at, listener } of this.#pending.splice(0)) {
      listener.failed(at, new ReplicaError('outcome unknown', 'leadership was lost'))
    }
    for (const listener of this.#listeners) listener()
  }

  lead(): void {
    this.#leads = true
    this.#leaderAddress = null
    this.#term++
    for (const listener of this.#listeners) listener()
  }

  #notLeader(): ReplicaError {
    const leader =
      this.#leaderAddress === null ? null : { id: 1, address: this.#leaderAddress, term: this.#term }
    return new ReplicaError('not leader', 'replica 0 does not lead', { leader })
  }

  #commitSoon(): void {
    if (this.#held || this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      if (!this.#held) this.#commit(Infinity)
    })
  }

  #commit(count: number): void {
    for (const { command, at, listener } of this.#pending.splice(0, count)) {
      this.#index++
      this.#time = Math.max(this.#time, this.#now())
      this.log.push(command)
      const entry = this.stateMachine.decode(this.stateMachine.encode(command))
      const place = { index: this.#index, term: this.#term, time: this.#time }
      listener.replied(at, this.stateMachine.apply(entry, place))
    }
  }
}
