import { ChatError } from './error.ts'
import { LeaderSearch, type Probe } from './leader-search.ts'
import { onAbort } from './on-abort.ts'
import { isAddress, type Switch } from './options.ts'
import { pause } from './pause.ts'
import type { ReplicaChannel } from './replica-channel.ts'
import { openScope } from './scope.ts'
import { Tenure } from './tenure.ts'

/** When a replica has answered, the leader is given so long to answer too, milliseconds. */
const leaderGraceMs = 100
/** As many addresses that only servers told us of are believed. */
const maximumLearned = 16

/** What the finder is made of. */
export interface FinderParts {
  /** The replicas that the user named. */
  readonly servers: readonly string[]
  readonly open: (address: string) => ReplicaChannel
  readonly probe: Probe
  readonly onSwitch: (event: Switch) => void
  /** A search for the leader has begun, or is over. */
  readonly onSearch: (searching: boolean) => void
  /** Milliseconds for which a doubt keeps a search going. */
  readonly doubtMs: number
  /** A clock that never goes back, milliseconds. */
  readonly now: () => number
}

/** Knows who leads, and finds out again when that is lost: one search for everybody who waits. */
export class LeaderFinder {
  readonly #parts: FinderParts
  readonly #channels = new Map<string, ReplicaChannel>()
  readonly #waiters = new Set<(tenure: Tenure) => void>()
  #tenure: Tenure | null = null
  #search: LeaderSearch | null = null
  /** Who led last, and since when that is in doubt or over. */
  #last: { readonly address: string; readonly lostAt: number } | null = null
  #doubtedUntil = Number.NEGATIVE_INFINITY
  #doubtTimer: NodeJS.Timeout | undefined
  #answered = false
  /** The last that is known of a server that cannot answer. */
  #fault: string | null = null
  #onAnswer: () => void = () => undefined
  #closed = false

  constructor(parts: FinderParts) {
    this.#parts = parts
    for (const address of parts.servers) this.#channels.set(address, parts.open(address))
  }

  /** True if, since a leader was last known, any replica has answered. */
  get answered(): boolean {
    return this.#answered
  }

  /** `host:port` of the leader, if one is known. */
  get address(): string | null {
    return this.#tenure?.channel.address ?? null
  }

  /** Resolves with the leader, as soon as there is one. Rejects with the signal's reason. */
  leader(signal: AbortSignal): Promise<Tenure> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(reasonOf(signal))
        return
      }
      if (this.#tenure !== null) {
        resolve(this.#tenure)
        return
      }
      const leave = (): void => {
        forget()
        this.#waiters.delete(found)
      }
      const found = (tenure: Tenure): void => {
        leave()
        resolve(tenure)
      }
      const giveUp = (): void => {
        leave()
        this.#restIfUnwanted()
        reject(reasonOf(signal))
      }
      const forget = onAbort(signal, giveUp)
      this.#waiters.add(found)
      this.#searchOn()
    })
  }

  /** Resolves when the leader is found, or soon after any replica has answered. @throws ChatError `no server` when the time is over, or the signal's reason */
  async reach(timeoutMs: number, signals: readonly (AbortSignal | undefined)[]): Promise<void> {
    const over = new AbortController()
    const scope = openScope(timeoutMs, [...signals, over.signal])
    const found = this.leader(scope.signal)
    const answered = new Promise<void>((resolve) => {
      this.#onAnswer = resolve
    }).then(() => pause(leaderGraceMs, scope.signal))
    try {
      await Promise.race([found, answered])
    } catch (error) {
      if (!scope.expired) throw error
      const servers = [...this.#channels.keys()].join(', ')
      throw new ChatError(
        'no server',
        this.#fault === null
          ? `No server answers at ${servers}. Start one, or give the addresses of others.`
          : `No server can be used. ${this.#fault.replace(/\.$/, '')}.`,
      )
    } finally {
      // If one answered that does not lead, nobody waits for the leader any more.
      found.catch(() => undefined)
      over.abort()
      scope.close()
    }
  }

  /** This replica leads no more, or is gone. `leader` is whom it named instead. */
  lost(tenure: Tenure, leader: string | null): void {
    if (this.#tenure !== tenure) return
    this.#tenure = null
    this.#answered = leader !== null
    this.#noteLoss(tenure, 0)
    if (leader !== null) this.#learned(leader)
    // What is under way there fails now and comes to wait here, which starts the search.
    tenure.end()
    this.#restIfUnwanted()
  }

  /**
   * This replica may lead no more: look around for another leader while calls stay where they are.
   * @param silentMs for how long it has said nothing, milliseconds
   */
  doubt(tenure: Tenure, silentMs: number): void {
    if (this.#tenure !== tenure || this.#closed) return
    this.#noteLoss(tenure, silentMs)
    this.#doubtedUntil = this.#parts.now() + this.#parts.doubtMs
    clearTimeout(this.#doubtTimer)
    this.#doubtTimer = setTimeout(() => this.#restIfUnwanted(), this.#parts.doubtMs + 1)
    this.#doubtTimer.unref()
    this.#searchOn()
  }

  /** The connections to all replicas: those that the user named, in that order, then those that servers told of. */
  get channels(): readonly ReplicaChannel[] {
    return [...this.#channels.values()]
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#doubtTimer)
    this.#endSearch()
    const tenure = this.#tenure
    this.#tenure = null
    tenure?.end()
    for (const channel of this.#channels.values()) channel.close()
  }

  #noteLoss(tenure: Tenure, silentMs: number): void {
    this.#last ??= { address: tenure.channel.address, lostAt: this.#parts.now() - silentMs }
  }

  #searchOn(): void {
    if (this.#search !== null || this.#closed) return
    this.#search = new LeaderSearch(this.#channels.values(), this.#parts.probe, {
      found: (channel) => this.#found(channel),
      answered: () => {
        this.#answered = true
        this.#onAnswer()
      },
      faulty: (channel, fault) => {
        this.#fault = `${channel.address}: ${fault}`
      },
      learned: (address) => this.#learned(address),
    })
    this.#parts.onSearch(true)
  }

  #endSearch(): void {
    if (this.#search === null) return
    this.#search.stop()
    this.#search = null
    this.#parts.onSearch(false)
  }

  /** A search costs the replicas something: none goes on for nobody. */
  #restIfUnwanted(): void {
    const doubted = this.#tenure !== null && this.#parts.now() < this.#doubtedUntil
    if (this.#waiters.size > 0 || doubted) return
    this.#endSearch()
    // A doubt that nobody repeats was none.
    if (this.#tenure !== null) this.#last = null
  }

  #found(channel: ReplicaChannel): void {
    this.#endSearch()
    this.#answered = true
    const last = this.#last
    this.#last = null
    const before = this.#tenure
    if (before?.channel === channel) return
    const tenure = new Tenure(channel)
    this.#tenure = tenure
    before?.end()
    for (const waiter of [...this.#waiters]) waiter(tenure)
    if (last !== null) {
      this.#parts.onSwitch({ from: last.address, to: channel.address, ms: this.#parts.now() - last.lostAt })
    }
  }

  #learned(address: string): ReplicaChannel | null {
    const known = this.#channels.get(address)
    if (known !== undefined) return known
    if (this.#closed || !isAddress(address)) return null
    if (this.#channels.size >= this.#parts.servers.length + maximumLearned) return null
    const channel = this.#parts.open(address)
    this.#channels.set(address, channel)
    return channel
  }
}

/** An abort's reason as an error, whatever the caller gave. */
function reasonOf(signal: AbortSignal): Error {
  const reason: unknown = signal.reason
  return reason instanceof Error ? reason : new Error('aborted', { cause: reason })
}
