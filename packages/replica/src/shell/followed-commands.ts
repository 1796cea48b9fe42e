import type { Effect } from '../core/effects.ts'
import type { Event } from '../core/events.ts'
import type { EntryTrace, Message } from '../core/messages.ts'
import type { OpenStage, Tracing } from '../ports/tracing.ts'

interface Proposed {
  /** Its place among the commands that enter the log together. */
  readonly at: number
  readonly within: string
  readonly propose: OpenStage
}

/** In the log of the replica that leads. */
interface Entered {
  readonly within: string
  readonly commit: OpenStage
  apply: OpenStage | null
}

/** On its way to the disk, here or at a follower. */
interface Written {
  readonly persist: number
  readonly append: OpenStage
  fsync: OpenStage | null
}

/**
 * Follows commands through one replica, from what the core is told and what it wants done: the core itself knows nothing of traces. A write to the disk serves many
 * commands; each that is followed has an `fsync` of its own, which tells how many entries shared it, so that every trace is whole by itself.
 */
export class FollowedCommands {
  readonly #tracing: Tracing
  readonly #most: number
  /** Commands of this turn, followed or not. */
  #gathered = 0
  #gathering: Proposed[] = []
  #handedIn: Proposed[] = []
  /** By index, ascending. */
  readonly #entered = new Map<number, Entered>()
  /** Ascending by the number of the persist. */
  readonly #written: Written[] = []

  /** `most`: commands that are followed at once, and writes of them; one more is not. */
  constructor(tracing: Tracing, most: number) {
    this.#tracing = tracing
    this.#most = most
  }

  /** So many commands were proposed; `traces`: what each is part of, null for those that nobody follows. */
  proposed(commands: number, traces: readonly (string | null)[] | undefined): void {
    for (const [at, within] of traces?.entries() ?? []) {
      if (within === null || this.#entered.size + this.#gathering.length >= this.#most) continue
      const propose = this.#tracing.begin('propose', within)
      this.#gathering.push({ at: this.#gathered + at, within, propose })
    }
    this.#gathered += commands
  }

  handedIn(): void {
    this.#gathered = 0
    this.#handedIn = this.#gathering
    this.#gathering = []
  }

  /** The core has done a step; what it wants is going to be done. */
  stepped(event: Event, effects: readonly Effect[]): void {
    let begun: readonly EntryTrace[] | undefined
    if (event.type === 'propose') begun = this.#enter(effects)
    else if (event.type === 'receive' && event.message.type === 'append') begun = event.message.traces
    if (begun === undefined && this.#entered.size === 0) return
    for (const effect of effects) {
      if (effect.type === 'persist') this.#append(effect, begun ?? [])
      else if (effect.type === 'apply') this.#committed(effect.upTo)
      else if (effect.type === 'leadershipLost') this.lost('outcome unknown')
    }
  }

  /** The message as it should leave: entries that are followed take their trace along. */
  labelled(message: Message): Message {
    if (this.#entered.size === 0 || message.type !== 'append' || message.entries.length === 0) return message
    const traces: EntryTrace[] = []
    for (const { index } of message.entries) {
      const entered = this.#entered.get(index)
      if (entered?.apply === null) traces.push({ index, context: entered.commit.context })
    }
    return traces.length === 0 ? message : { ...message, traces }
  }

  /** The disk begins with everything up to this persist, so many entries. */
  writing(persist: number, entries: number): void {
    for (const written of this.#written) {
      if (written.persist > persist) return
      written.fsync ??= this.#tracing.begin('fsync', written.append.context, { entries })
    }
  }

  /** Everything up to this persist is durable. */
  persisted(persist: number): void {
    let done = 0
    for (const { persist: number, fsync, append } of this.#written) {
      if (number > persist) break
      fsync?.end()
      append.end()
      done++
    }
    if (done > 0) this.#written.splice(0, done)
  }

  applied(index: number): void {
    this.#entered.get(index)?.apply?.end()
    this.#entered.delete(index)
  }

  /** Nobody here learns any more what becomes of them. */
  lost(failure: string): void {
    for (const { commit, apply } of this.#entered.values()) (apply ?? commit).end(failure)
    this.#entered.clear()
  }

  /** The replica stops. */
  abandon(failure: string): void {
    this.lost(failure)
    for (const { propose } of [...this.#gathering, ...this.#handedIn]) propose.end(failure)
    for (const { fsync, append } of this.#written) {
      fsync?.end(failure)
      append.end(failure)
    }
    this.#gathering = []
    this.#handedIn = []
    this.#written.length = 0
  }

  #enter(effects: readonly Effect[]): EntryTrace[] | undefined {
    const commands = this.#handedIn
    if (commands.length === 0) return undefined
    this.#handedIn = []
    const answer = effects.find(({ type }) => type === 'proposed' || type === 'proposalRefused')
    if (answer?.type !== 'proposed') {
      const why = answer?.type === 'proposalRefused' ? answer.why : 'outcome unknown'
      for (const { propose } of commands) propose.end(why)
      return undefined
    }
    return commands.map(({ at, within, propose }) => {
      propose.end()
      const index = answer.first + at
      const commit = this.#tracing.begin('commit', within)
      this.#entered.set(index, { within, commit, apply: null })
      return { index, context: commit.context }
    })
  }

  #append({ persist, entries }: Extract<Effect, { type: 'persist' }>, begun: readonly EntryTrace[]): void {
    const first = entries[0]?.index ?? Number.POSITIVE_INFINITY
    const last = entries.at(-1)?.index ?? 0
    for (const { index, context } of begun) {
      if (index < first || index > last || this.#written.length >= this.#most) continue
      this.#written.push({ persist, append: this.#tracing.begin('append', context), fsync: null })
    }
  }

  #committed(upTo: number): void {
    for (const [index, entered] of this.#entered) {
      if (index > upTo) return
      if (entered.apply !== null) continue
      entered.commit.end()
      entered.apply = this.#tracing.begin('apply', entered.within)
    }
  }
}
