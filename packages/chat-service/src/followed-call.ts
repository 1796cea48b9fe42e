import type { OpenStage } from '@chatroom/replica'
import type { ServiceMethod, ServiceTracing } from './ports.ts'

/** One message or call that is followed, from its arrival until its answer is given to the network. */
export class FollowedCall {
  readonly #tracing: ServiceTracing
  readonly #whole: OpenStage
  /** What is under way here; null while it is with the replica. */
  #stage: OpenStage | null
  #over = false

  private constructor(tracing: ServiceTracing, whole: OpenStage) {
    this.#tracing = tracing
    this.#whole = whole
    this.#stage = tracing.begin('check', whole.context)
  }

  /** `parent`: the trace that it came with. Null: it is not followed. */
  static from(tracing: ServiceTracing, method: ServiceMethod, parent: string): FollowedCall | null {
    const whole = tracing.receive(method, parent)
    return whole === null ? null : new FollowedCall(tracing, whole)
  }

  /** It goes to the replica. @returns what the replica is to follow it as */
  checked(): string {
    this.#stage?.end()
    this.#stage = null
    return this.#whole.context
  }

  /** Its answer is known. */
  settled(): void {
    if (this.#over) return
    this.checked()
    this.#stage = this.#tracing.begin('reply', this.#whole.context)
  }

  /** Its answer is given to the network. `failure`: the reason that it gives. */
  answered(failure?: string): void {
    if (this.#over) return
    this.#over = true
    this.checked()
    this.#whole.end(failure)
  }

  /** Nobody waits for its answer any more. */
  left(): void {
    this.answered('CANCELLED')
  }
}
