import type { ReplicaId } from '@chatroom/election'
import type { Timeline } from '../kernel/timeline.ts'

/**
 * One run of a replica's program. What happens to it comes through `deliver`; what it does to the world asks `mayAct` first. Between the two lies everything
 * an operating system can do to a process: stop it, let it go on, end it in the middle of a line.
 */
export class VirtualProcess {
  readonly replica: ReplicaId
  readonly pid: number
  #state: 'running' | 'paused' | 'dead' = 'running'
  readonly #timeline: Timeline
  readonly #ended: (why: string) => void
  readonly #crashed: (error: unknown) => void
  /** What waits in sockets and timers while it is stopped. */
  #inbox: { readonly run: () => void; readonly timer: boolean }[] = []
  #effectsLeft = Number.POSITIVE_INFINITY
  #fatalMessage = ''
  #fatalAfterMs = 0

  constructor(options: {
    replica: ReplicaId
    pid: number
    timeline: Timeline
    /** It is dead now. */
    ended: (why: string) => void
    /** Its program threw an error that nothing caught. */
    crashed: (error: unknown) => void
  }) {
    this.replica = options.replica
    this.pid = options.pid
    this.#timeline = options.timeline
    this.#ended = options.ended
    this.#crashed = options.crashed
  }

  get state(): 'running' | 'paused' | 'dead' {
    return this.#state
  }

  get alive(): boolean {
    return this.#state !== 'dead'
  }

  /** Something happens to this process: now, or when it goes on, or never. */
  deliver(run: () => void): void {
    this.#take(run, false)
  }

  /** A timer of this process fires. */
  fire(run: () => void): void {
    this.#take(run, true)
  }

  /** Asked by every port before it does anything: false when the process has ended, and then nothing must happen. */
  mayAct(): boolean {
    if (this.#state === 'dead') return false
    if (this.#effectsLeft-- > 0) return true
    this.kill('killed between two effects')
    return false
  }

  /** Lets it do so many more things to the world, then ends it. */
  dieAfterEffects(effects: number): void {
    this.#effectsLeft = effects
  }

  /** Ends it so many milliseconds after it has sent a message of this kind; '': no longer. */
  dieAfterSending(kind: string, afterMs = 0): void {
    this.#fatalMessage = kind
    this.#fatalAfterMs = afterMs
  }

  /** It has sent a message. */
  hasSent(kind: string): void {
    if (kind !== this.#fatalMessage) return
    if (this.#fatalAfterMs === 0) return this.kill(`killed after it ${kind}`)
    this.#fatalMessage = ''
    this.#timeline.after(this.#fatalAfterMs, () => this.kill(`killed a moment after it ${kind}`))
  }

  kill(why: string): void {
    if (this.#state === 'dead') return
    this.#state = 'dead'
    this.#inbox = []
    this.#ended(why)
  }

  /** SIGSTOP. */
  pause(): void {
    if (this.#state === 'running') this.#state = 'paused'
  }

  /** SIGCONT: what waits happens first; the event loop may be at its timers or at its sockets. */
  resume(timersFirst: boolean): void {
    if (this.#state !== 'paused') return
    this.#state = 'running'
    if (timersFirst) this.#inbox.sort((a, b) => Number(b.timer) - Number(a.timer))
    if (this.#inbox.length > 0) this.#timeline.after(0, () => this.#workOff())
  }

  #take(run: () => void, timer: boolean): void {
    if (this.#state === 'dead') return
    if (this.#state === 'running' && this.#inbox.length === 0) this.#run(run)
    else this.#inbox.push({ run, timer })
  }

  #workOff(): void {
    if (this.#state !== 'running') return
    const next = this.#inbox.shift()
    if (next !== undefined) this.#run(next.run)
    if (this.#inbox.length > 0) this.#timeline.after(0, () => this.#workOff())
  }

  #run(run: () => void): void {
    try {
      run()
    } catch (error) {
      this.#crashed(error)
    }
  }
}
