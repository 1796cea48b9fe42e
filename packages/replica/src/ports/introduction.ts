import type { ReplicaId } from '@chatroom/election'
import type { Hello } from './transport.ts'

/** What both ends of a new link know once they have said hello. */
export interface NewLink {
  /** The end that dialled. */
  readonly caller: Hello
  /** The replica that it meant to reach. */
  readonly to: ReplicaId
  /** The end that answered. */
  readonly answerer: Hello
}

/**
 * Whether the two ends of a new link may talk. Every transport asks this at both ends, and both get the same answer in the same words, so that neither
 * believes in a link which the other refused.
 *
 * @returns null, or a sentence that names both values and what to do.
 */
export function introductionFault({ caller, to, answerer }: NewLink): string | null {
  const reached = answerer.member.id
  if (caller.member.id === reached) {
    return `Two processes say that they are replica ${reached}: give each an id of its own.`
  }
  if (to !== reached) {
    return `Replica ${caller.member.id} dials replica ${to} at an address where replica ${reached} answers: mend the addresses in its configuration.`
  }
  const [a, b] = caller.member.id < reached ? [caller, answerer] : [answerer, caller]
  if (a.protocol !== b.protocol) {
    return `${differ(a, b, 'speaks protocol', a.protocol, b.protocol)}: install versions that speak the same.`
  }
  if (a.mode !== b.mode) return `${differ(a, b, 'runs in mode', a.mode, b.mode)}: start all in the same mode.`
  if (a.clusterId !== '' && b.clusterId !== '' && a.clusterId !== b.clusterId) {
    return `${differ(a, b, 'belongs to cluster', a.clusterId, b.clusterId)}: one of the two runs on a data directory of another cluster.`
  }
  return versionFault(a, b) ?? versionFault(b, a)
}

/** A replica must not get a log that it cannot apply. */
function versionFault(old: Hello, { member, neededVersion = 1 }: Hello): string | null {
  const { machineVersion = 1 } = old
  if (machineVersion >= neededVersion) return null
  return `Replica ${old.member.id} has version ${machineVersion} of the state machine and the log of replica ${member.id} needs version ${neededVersion}: install on replica ${old.member.id} what replica ${member.id} runs.`
}

function differ(a: Hello, b: Hello, what: string, ofA: string | number, ofB: string | number): string {
  return `Replica ${a.member.id} ${what} ${ofA} and replica ${b.member.id} ${what} ${ofB}`
}
