import { beginsWith, describeLog } from '../log.ts'
import { type State, serves } from './state.ts'

/** What must hold in every state; the words of what does not. */
export function broken(state: State): string | null {
  if (state.broken !== null) return state.broken
  const serving = state.replicas.flatMap((replica, id) => (serves(replica) ? [id] : []))
  if (serving.length > 1) return `replicas ${serving.join(' and ')} serve at once`
  for (const id of serving) {
    const log = state.replicas[id]?.log
    if (log !== undefined && !beginsWith(log, state.committed))
      return `leader ${id} serves without everything that was committed: ${describeLog(state.committed)}`
  }
  return null
}
