import type { LiveSession } from '@chatroom/state-machine'
import type { ServiceContext } from './context.ts'

/** Part of its idle timeout that a session may be idle before a read command is worth an entry in the log. */
const worthNoting = 1 / 4

/** Keeps a session alive whose user only reads: reading leaves no trace in the log by itself. */
export class Activity {
  readonly #context: ServiceContext
  /** Sessions whose touch is under way; never more than the requests under way. */
  readonly #touching = new Set<number>()

  constructor(context: ServiceContext) {
    this.#context = context
  }

  /** Notes that the user of this session gave a command that only read. Nobody waits for it, and if it is lost, the next command notes it. */
  note(session: LiveSession): void {
    const { sessionId } = session
    const idle = this.#context.clock.now() - session.lastActive
    if (idle <= session.idleTimeoutMs * worthNoting || this.#touching.has(sessionId)) return
    const lane = this.#context.admission.lane(sessionId)
    if (!lane.enter(0)) {
      lane.release(null)
      return
    }
    this.#touching.add(sessionId)
    const done = (): void => {
      this.#touching.delete(sessionId)
      lane.settled(0)
      lane.answered()
      lane.release(null)
    }
    this.#context.replica.propose({ type: 'touch', sessionId }).then(done, done)
  }
}
