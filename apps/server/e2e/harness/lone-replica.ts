import { spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ChatClient, connect } from '@chatroom/client'
import { onTestFailed, onTestFinished } from 'vitest'
import { eventually } from './eventually.ts'
import { freePorts } from './ports.ts'
import { Program, programs } from './program.ts'

/** One replica that is a whole cluster, for what does not need others. */
export interface LoneReplica {
  readonly program: Program
  readonly clientPort: number
  readonly peerPort: number
  readonly dataDirectory: string
  /** Bytes of memory that it occupies now. */
  memory(): number
  connect(): Promise<ChatClient>
  /** A client that has made the account and logged in. */
  loggedIn(name: string): Promise<ChatClient>
}

export async function startLoneReplica(flags: readonly string[] = []): Promise<LoneReplica> {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'chatroom-lone-'))
  const clientPort = await freePorts(2)
  const peerPort = clientPort + 1
  const program = new Program(programs.server, [
    ...['--id', '0', '--peers', `127.0.0.1:${peerPort}`, '--servers', `127.0.0.1:${clientPort}`],
    ...['--data-dir', dataDirectory, '--log-format', 'json', '--supervised', ...flags],
  ])
  const clients: ChatClient[] = []
  onTestFailed(() => void process.stderr.write(`${program.stdout}${program.stderr}\n`))
  onTestFinished(async () => {
    await Promise.all(clients.map((client) => client.close({ logout: false })))
    await program.kill()
    await rm(dataDirectory, { recursive: true, force: true })
  })
  const newClient = async (): Promise<ChatClient> => {
    const client = await connect({ servers: [`127.0.0.1:${clientPort}`], connectTimeoutMs: 20_000 })
    clients.push(client)
    return client
  }
  await eventually('the start of the replica', () =>
    program.json.some(({ event, role }) => event === 'replica.role' && role === 'leader') ? true : null,
  )
  return {
    program,
    clientPort,
    peerPort,
    dataDirectory,
    memory: () => {
      const kibibytes = spawnSync('ps', ['-o', 'rss=', '-p', String(program.pid)], {
        encoding: 'utf8',
      }).stdout
      return Number(kibibytes.trim()) * 1_024
    },
    connect: newClient,
    loggedIn: async (name) => {
      const client = await newClient()
      await client.createAccount(name, 'sesame')
      await client.login(name, 'sesame')
      return client
    },
  }
}
