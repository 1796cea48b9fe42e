import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ChatClient, type ConnectOptions, connect } from '@chatroom/client'
import type { ReplicaStatus } from '@chatroom/replica'
import { type AdminClient, connectAdmin } from '@chatroom/transport-grpc/admin'
import { onTestFailed, onTestFinished } from 'vitest'
import { eventually } from './eventually.ts'
import { freePorts } from './ports.ts'
import { Program, programs } from './program.ts'

const ids = [0, 1, 2] as const

/** Three replicas as processes of their own, on ports and in a directory that nobody else uses. */
export class TestCluster {
  readonly dataDirectory: string
  readonly clientPort: number
  readonly peerPort: number
  readonly #flags: readonly string[]
  readonly #replicas = new Map<number, Program>()
  readonly #admins: readonly AdminClient[]
  readonly #clients: ChatClient[] = []
  /** What replicas wrote that were started again since. */
  readonly #history: string[] = []

  constructor(dataDirectory: string, firstPort: number, flags: readonly string[]) {
    this.dataDirectory = dataDirectory
    this.clientPort = firstPort
    this.peerPort = firstPort + ids.length
    this.#flags = flags
    this.#admins = ids.map((id) => connectAdmin(`127.0.0.1:${this.peerPort + id}`))
  }

  /** `host:port` of every replica's client port. */
  get servers(): string[] {
    return ids.map((id) => `127.0.0.1:${this.clientPort + id}`)
  }

  /** What a replica's command line says about where everything is. */
  get places(): string[] {
    return [
      '--data-dir',
      this.dataDirectory,
      '--client-port',
      String(this.clientPort),
      '--peer-port',
      String(this.peerPort),
    ]
  }

  replica(id: number): Program {
    const replica = this.#replicas.get(id)
    if (replica === undefined) throw new Error(`replica ${id} was never started`)
    return replica
  }

  /** Starts one replica, and does not wait for anything. `nodeFlags`: of Node itself. */
  start(id: number, nodeFlags: readonly string[] = []): Program {
    const before = this.#replicas.get(id)
    if (before?.hasExited === false) throw new Error(`replica ${id} runs already`)
    if (before !== undefined) this.#history.push(output(id, before))
    const flags = ['--id', String(id), ...this.places, '--log-format', 'json', '--supervised', ...this.#flags]
    const program = nodeFlags.length === 0 ? programs.server : programs.serverModules
    const replica = new Program(program, flags, { nodeFlags })
    this.#replicas.set(id, replica)
    return replica
  }

  /** Of a replica's peer port. */
  admin(id: number): AdminClient {
    const admin = this.#admins[id]
    if (admin === undefined) throw new Error(`there is no replica ${id}`)
    return admin
  }

  /** What a replica says of itself; null if it does not answer. */
  async status(id: number): Promise<ReplicaStatus | null> {
    return await this.admin(id)
      .status({ deadlineMs: 1_000 })
      .catch(() => null)
  }

  /** Waits for a replica to say something of itself that `holds`. */
  async untilStatus(
    id: number,
    what: string,
    holds: (status: ReplicaStatus) => boolean,
    withinMs?: number,
  ): Promise<ReplicaStatus> {
    let last: ReplicaStatus | null = null
    return await eventually(
      `replica ${id} ${what}`,
      async () => {
        last = await this.status(id)
        return last !== null && holds(last) ? last : null
      },
      { ...(withinMs === undefined ? {} : { withinMs }), seen: () => JSON.stringify(last) },
    )
  }

  /** Waits until one replica leads and the view consists of exactly these. Gives the leader's status. */
  async untilView(members: readonly number[], withinMs?: number): Promise<ReplicaStatus> {
    const wanted = members.toSorted((a, b) => a - b).join()
    let last: (ReplicaStatus | null)[] = []
    return await eventually(
      `a leader with the view ${wanted}`,
      async () => {
        last = await Promise.all(members.map((id) => this.status(id)))
        const leads = (status: ReplicaStatus | null): status is ReplicaStatus =>
          status?.serving === true &&
          status.viewInForce &&
          viewOf(status) === wanted &&
          (status.mode !== 'majority' || isPinned(status))
        return last.find(leads) ?? null
      },
      { ...(withinMs === undefined ? {} : { withinMs }), seen: () => JSON.stringify(last) },
    )
  }

  /** A client of the chat, connected. */
  async connect(options: Partial<ConnectOptions> = {}): Promise<ChatClient> {
    const client = await connect({ servers: this.servers, ...options })
    this.#clients.push(client)
    return client
  }

  /** A client that has made the account and logged in. */
  async loggedIn(name: string, options: { readonly idleTimeoutSeconds?: number } = {}): Promise<ChatClient> {
    const client = await this.connect()
    await client.createAccount(name, passwordOf(name))
    await client.login(name, passwordOf(name), options)
    return client
  }

  /** Everything that the replicas wrote. */
  get log(): string {
    return [...this.#history, ...[...this.#replicas].map(([id, replica]) => output(id, replica))].join('\n')
  }

  async destroy(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close({ logout: false })))
    for (const admin of this.#admins) admin.close()
    await Promise.all([...this.#replicas.values()].map((replica) => replica.kill()))
    await rm(this.dataDirectory, { recursive: true, force: true })
  }
}

/** The password of every account of these tests. */
export function passwordOf(name: string): string {
  return `password of ${name}`
}

/** A cluster for the running test, not started. Its processes, files and clients go when the test is over; its log is shown if the test fails. */
export async function newCluster(flags: readonly string[] = []): Promise<TestCluster> {
  const directory = await mkdtemp(join(tmpdir(), 'chatroom-e2e-'))
  const cluster = new TestCluster(directory, await freePorts(2 * ids.length), flags)
  onTestFinished(() => cluster.destroy())
  onTestFailed(() => void process.stderr.write(`${cluster.log}\n`))
  return cluster
}

/** The same, with all three replicas up and a leader that has all in its view. */
export async function startCluster(flags: readonly string[] = []): Promise<TestCluster> {
  const cluster = await newCluster(flags)
  for (const id of ids) cluster.start(id)
  await cluster.untilView(ids)
  return cluster
}

/** In majority mode every pinned member is needed until the last one is (SPEC.md): only then one may die. */
export function isPinned(status: ReplicaStatus): boolean {
  return status.view.members.every(({ disk }) => disk !== '')
}

function viewOf(status: ReplicaStatus): string {
  return status.view.members.map((member) => member.id).join()
}

function output(id: number, replica: Program): string {
  const lines = `${replica.stdout}${replica.stderr}`.trimEnd().split('\n').slice(-60)
  return `--- replica ${id}, pid ${replica.pid}\n${lines.join('\n')}`
}
