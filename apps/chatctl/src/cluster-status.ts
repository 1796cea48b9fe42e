import { type ReplicaAnswer, type ReplicaClient, ReplicaUnreachable } from './replica-client.ts'

/** What `chatctl status --json` prints. Fields are added, never renamed or removed; what is unknown is null. */
export interface ClusterStatus {
  /** A replica leads and serves clients. */
  readonly serves: boolean
  readonly leader: number | null
  /** Where clients reach the leader. */
  readonly leaderAddress: string | null
  readonly term: number | null
  readonly mode: 'fail-stop' | 'majority' | null
  /** How many more replicas may crash now, at once, and the chat goes on; null while nobody serves. */
  readonly crashesTolerated: number | null
  /** In fail-stop mode: the member that writes wait for most, and for how many milliseconds after all others have them, on average; null if unknown. */
  readonly slowestMember: ReplicaAnswer['slowestMember']
  /** One for each peer address, in the order of the ids. */
  readonly replicas: readonly ReplicaRow[]
}

export interface ReplicaRow {
  readonly id: number
  /** The peer address that was asked. */
  readonly address: string
  readonly reachable: boolean
  /** Why it is not reachable, in words. */
  readonly reason: string | null
  readonly pid: number | null
  readonly role: ReplicaAnswer['role'] | null
  /** Version of its state machine. */
  readonly machineVersion: number | null
  /** The version that commands may need, since all replicas have it. */
  readonly commonVersion: number | null
  readonly term: number | null
  /** Who leads, as this replica knows. */
  readonly leader: number | null
  /** Where clients reach that leader. */
  readonly leaderAddress: string | null
  readonly serving: boolean | null
  readonly mode: 'fail-stop' | 'majority' | null
  /** The members of the view this replica knows. */
  readonly view: readonly number[] | null
  readonly learners: readonly number[] | null
  readonly viewInForce: boolean | null
  readonly admitted: boolean | null
  readonly incarnation: number | null
  readonly clusterId: string | null
  readonly commitIndex: number | null
  readonly appliedIndex: number | null
  readonly lastIndex: number | null
  readonly snapshotIndex: number | null
  readonly crashesTolerated: number | null
  readonly slowestMember: ReplicaAnswer['slowestMember']
  /** What it waits for; empty if for nothing. `for` is one of a closed set, `words` is for people. */
  readonly waiting: ReplicaAnswer['waiting']
}

/** Asks every replica at once; one that does not answer becomes a row with the reason. */
export async function clusterStatus(
  client: Pick<ReplicaClient, 'status'>,
  addresses: readonly string[],
): Promise<ClusterStatus> {
  const replicas = await Promise.all(addresses.map((address, id) => row(client, address, id)))
  const servers = replicas.filter((replica) => replica.serving === true)
  // An old leader that has not heard of the new one yet is of an older term.
  const leader = servers.sort((a, b) => (b.term ?? 0) - (a.term ?? 0))[0] ?? null
  return {
    serves: leader !== null,
    leader: leader?.id ?? null,
    leaderAddress: leader?.leaderAddress ?? null,
    term: leader?.term ?? null,
    mode: leader?.mode ?? replicas.find(({ mode }) => mode !== null)?.mode ?? null,
    crashesTolerated: leader?.crashesTolerated ?? null,
    slowestMember: leader?.slowestMember ?? null,
    replicas,
  }
}

async function row(client: Pick<ReplicaClient, 'status'>, address: string, id: number): Promise<ReplicaRow> {
  try {
    const answer = await client.status(address)
    if (answer.id !== id)
      return unreachable(
        id,
        address,
        `replica ${answer.id} answers at ${address}; list the peers in the order of their ids`,
      )
    return reachable(answer, address)
  } catch (error) {
    if (!(error instanceof ReplicaUnreachable)) throw error
    return unreachable(id, address, error.message)
  }
}

function reachable(answer: ReplicaAnswer, address: string): ReplicaRow {
  return {
    id: answer.id,
    address,
    reachable: true,
    reason: null,
    pid: answer.pid,
    role: answer.role,
    machineVersion: answer.machineVersion,
    commonVersion: answer.commonVersion,
    term: answer.term,
    leader: answer.leader,
    leaderAddress: answer.leaderAddress,
    serving: answer.serving,
    mode: answer.mode,
    view: answer.view.members.map((member) => member.id),
    learners: answer.view.learners.map((learner) => learner.id),
    viewInForce: answer.viewInForce,
    admitted: answer.admitted,
    incarnation: answer.incarnation,
    clusterId: answer.clusterId,
    commitIndex: answer.commitIndex,
    appliedIndex: answer.appliedIndex,
    lastIndex: answer.lastIndex,
    snapshotIndex: answer.snapshotIndex,
    crashesTolerated: answer.crashesTolerated,
    slowestMember: answer.slowestMember,
    waiting: answer.waiting,
  }
}

function unreachable(id: number, address: string, reason: string): ReplicaRow {
  return {
    id,
    address,
    reachable: false,
    reason,
    pid: null,
    role: null,
    machineVersion: null,
    commonVersion: null,
    term: null,
    leader: null,
    leaderAddress: null,
    serving: null,
    mode: null,
    view: null,
    learners: null,
    viewInForce: null,
    admitted: null,
    incarnation: null,
    clusterId: null,
    commitIndex: null,
    appliedIndex: null,
    lastIndex: null,
    snapshotIndex: null,
    crashesTolerated: null,
    slowestMember: null,
    waiting: [],
  }
}
