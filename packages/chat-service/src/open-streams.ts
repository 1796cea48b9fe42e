import { ChatFailure } from './failure.ts'

/** A call that stays open until somebody ends it. */
export interface OpenStream {
  /** Ends it with this failure, after what is under way. Harmless if it has ended. */
  end(failure: ChatFailure): void
  /** Since when its reader takes nothing of what waits for it, milliseconds since 1970; null if nothing waits. */
  readonly stalledSince: number | null
  /** The caller, as `getPeer()` names it. */
  readonly peer: string
}

/** The open streams of one kind, by session, within bounds. */
export class OpenStreams {
  readonly #bySession = new Map<number, Set<OpenStream>>()
  readonly #limits: { readonly perSession: number; readonly total: number; readonly retryAfterMs: number }
  #size = 0

  constructor(limits: {
    readonly perSession: number
    readonly total: number
    readonly retryAfterMs: number
  }) {
    this.#limits = limits
  }

  get size(): number {
    return this.#size
  }

  /** Throws OVERLOADED if the session, or all together, have too many streams of this kind. */
  admit(sessionId: number): void {
    const own = this.#bySession.get(sessionId)?.size ?? 0
    if (own < this.#limits.perSession && this.#size < this.#limits.total) return
    throw new ChatFailure(
      'OVERLOADED',
      'Too many streams of this kind are open: end one, or try again later.',
      {
        retryAfterMs: this.#limits.retryAfterMs,
      },
    )
  }

  add(sessionId: number, stream: OpenStream): void {
    const own = this.#bySession.get(sessionId)
    if (own === undefined) this.#bySession.set(sessionId, new Set([stream]))
    else own.add(stream)
    this.#size++
  }

  remove(sessionId: number, stream: OpenStream): void {
    const own = this.#bySession.get(sessionId)
    if (own?.delete(stream) !== true) return
    this.#size--
    if (own.size === 0) this.#bySession.delete(sessionId)
  }

  /** Those whose readers have taken nothing since then. */
  stalledSince(time: number): OpenStream[] {
    return [...this.#bySession.values()].flatMap((own) =>
      [...own].filter(({ stalledSince }) => stalledSince !== null && stalledSince <= time),
    )
  }

  endSession(sessionId: number, failure: ChatFailure): void {
    for (const stream of [...(this.#bySession.get(sessionId) ?? [])]) stream.end(failure)
  }

  endAll(failure: ChatFailure): void {
    for (const own of [...this.#bySession.values()]) {
      for (const stream of [...own]) stream.end(failure)
    }
  }
}
