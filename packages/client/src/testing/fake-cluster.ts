import { ChatModel } from './chat-model.ts'
import { FakeReplica, type Refusing } from './fake-replica.ts'

const notReady: Refusing = {
  code: 'UNAVAILABLE',
  reason: 'NOT_READY',
  message: 'No replica leads now.',
}

/** Several fake replicas with one chat between them. */
export class FakeCluster {
  /** What the replicas know. A real cluster replicates it; this one just shares it. */
  readonly chat: ChatModel = new ChatModel()
  readonly replicas: readonly FakeReplica[]

  constructor(size: number) {
    this.replicas = Array.from({ length: size }, () => new FakeReplica(this.chat))
  }

  /** `host:port` of each replica. */
  get servers(): string[] {
    return this.replicas.map((replica) => replica.address)
  }

  replica(index: number): FakeReplica {
    const replica = this.replicas[index]
    if (replica === undefined) throw new RangeError(`there is no fake replica ${index}`)
    return replica
  }

  /** Makes one replica the leader, or none. The others name it, or `hint`, or, with null, nobody. */
  lead(
    index: number | null,
    hint: string | null = index === null ? null : this.replica(index).address,
  ): void {
    const refusing: Refusing =
      hint === null
        ? notReady
        : {
            code: 'UNAVAILABLE',
            reason: 'NOT_LEADER',
            message: `This replica does not lead; ${hint} does.`,
            extra: { leaderAddress: hint, leaderTerm: 2 },
          }
    this.replicas.forEach((replica, at) => {
      replica.refuse(at === index ? null : refusing)
    })
  }

  async stop(): Promise<void> {
    await Promise.all(this.replicas.map((replica) => replica.stop()))
  }
}

/** Starts a cluster whose replica 0 leads. */
export async function startFakeCluster(size = 3): Promise<FakeCluster> {
  const cluster = new FakeCluster(size)
  await Promise.all(cluster.replicas.map((replica) => replica.start()))
  cluster.lead(0)
  return cluster
}
