import { join } from 'node:path'
import { type AdminClient, connectAdmin } from '@chatroom/transport-grpc/admin'
import { freePorts } from '../ports.ts'
import { Process, type ProcessOptions, programs } from '../processes.ts'
import { makeDirectory } from '../temporary.ts'
import { until } from '../until.ts'

export const ids = [0, 1, 2] as const
type Status = Awaited<ReturnType<AdminClient['status']>>

/** What measuring needs, none of it a part of what an acknowledgement means: no bound on one account's rate, sessions that stay, few log lines. */
const flags = [
  ...['--mode', 'fail-stop', '--log-level', 'warn', '--log-format', 'json'],
  ...['--sends-per-second', '0', '--idle-timeout', '86400'],
  ...['--max-connections', '65536', '--max-connections-per-address', '65536'],
]

/** For Node, as the launcher and the units give them. */
const nodeFlags = ['--max-semi-space-size=16', '--v8-pool-size=1', '--no-allocation-site-pretenuring']

/** Of every replica. */
export interface ReplicaOptions extends ProcessOptions {
  /** Default: `programs.server`. */
  readonly program?: string
  /** Of the program, beside what every measurement needs. */
  readonly flags?: readonly string[]
}

/** Three replicas in fail-stop mode, as processes, on the disk. */
export class ChatCluster {
  readonly directory: string
  readonly #remove: () => void
  readonly #port: number
  readonly #admins: readonly AdminClient[]
  readonly #replicas: (Process | undefined)[] = []

  readonly #options: ReplicaOptions

  private constructor(port: number, options: ReplicaOptions) {
    this.#options = options
    const { directory, remove } = makeDirectory()
    this.directory = directory
    this.#remove = remove
    this.#port = port
    this.#admins = ids.map((id) => connectAdmin(`127.0.0.1:${port + 3 + id}`))
  }

  /** Not started. */
  static async prepare(options: ReplicaOptions = {}): Promise<ChatCluster> {
    return new ChatCluster(await freePorts(3 * ids.length), options)
  }

  /** All three up, and one leads with all of them in its view. */
  static async start(options: ReplicaOptions = {}): Promise<ChatCluster> {
    const cluster = await ChatCluster.prepare(options)
    try {
      cluster.startAll()
      await cluster.untilWhole()
      return cluster
    } catch (error) {
      await cluster.destroy()
      throw error
    }
  }

  /** `host:port` of every replica's client port. */
  get servers(): readonly string[] {
    return ids.map((id) => `127.0.0.1:${this.#port + id}`)
  }

  get pids(): readonly number[] {
    return this.#replicas.flatMap((replica) => (replica === undefined ? [] : [replica.pid]))
  }

  dataDirectory(id: number): string {
    return join(this.directory, `replica-${id}`)
  }

  startAll(): void {
    for (const id of ids) this.start(id)
  }

  start(id: number): void {
    const ports = [
      '--client-port',
      this.#port,
      '--peer-port',
      this.#port + 3,
      '--metrics-port',
      this.#port + 6,
    ]
    const { program = programs.server, flags: more = [], nodeFlags: moreForNode = [], launch } = this.#options
    // Another launch may give it no input that tells of its end.
    const supervised = launch === undefined ? ['--supervised'] : []
    this.#replicas[id] = new Process(
      program,
      [
        ...[...flags, ...supervised, ...more],
        ...['--id', String(id), '--data-dir', this.directory, ...ports.map(String)],
      ],
      join(this.directory, `words-of-${id}`),
      { ...this.#options, nodeFlags: [...nodeFlags, ...moreForNode] },
    )
  }

  replica(id: number): Process {
    const replica = this.#replicas[id]
    if (replica === undefined) throw new Error(`Replica ${id} was never started.`)
    return replica
  }

  async status(id: number): Promise<Status | null> {
    return (await this.#admins[id]?.status({ deadlineMs: 1_000 }).catch(() => null)) ?? null
  }

  /** Waits for one that serves. */
  async leader(): Promise<number> {
    return await this.#until('a replica leads', (status) => status.serving)
  }

  /** Waits until one leads with all three in its view; gives it. */
  async untilWhole(): Promise<number> {
    return await this.#until(
      'a replica leads with all three in its view',
      ({ serving, view, viewInForce }) => serving && viewInForce && view.members.length === ids.length,
    )
  }

  async #until(what: string, holds: (status: Status) => boolean): Promise<number> {
    return await until(`${what}; they said: ${this.words}`, async () => {
      const statuses = await Promise.all(ids.map((id) => this.status(id)))
      const found = statuses.findIndex((status) => status !== null && holds(status))
      return found === -1 ? null : found
    })
  }

  /** The last that the replicas wrote. */
  get words(): string {
    return this.#replicas.map((replica) => replica?.words ?? '').join('\n')
  }

  /** The value of a metric without labels, as the replica shows it to Prometheus. */
  async metric(id: number, name: string): Promise<number> {
    const response = await fetch(`http://127.0.0.1:${this.#port + 6 + id}/metrics`)
    const line = (await response.text()).split('\n').find((text) => text.startsWith(`${name} `))
    if (line === undefined) throw new Error(`Replica ${id} shows no metric ${name}.`)
    return Number(line.slice(name.length + 1))
  }

  async stopAll(signal: 'SIGKILL' | 'SIGTERM' = 'SIGTERM'): Promise<void> {
    await Promise.all(
      this.#replicas.flatMap((replica) => (replica === undefined ? [] : [replica.end(signal)])),
    )
  }

  async destroy(): Promise<void> {
    for (const admin of this.#admins) admin.close()
    await this.stopAll('SIGKILL')
    this.#remove()
  }
}
