import { type ChatClient, connect } from '@chatroom/client'
import { type FakeCluster, startFakeCluster } from '@chatroom/client/testing'
import { PseudoTerminal } from './pseudo-terminal.ts'
import './to-show.ts'

type Options = ConstructorParameters<typeof PseudoTerminal>[1]

/** A cluster with the accounts alice and bob, bob logged in from the test, and the terminals that a test opens. */
export class Fixture {
  readonly cluster: FakeCluster
  readonly bob: ChatClient
  readonly #terminals: PseudoTerminal[] = []

  private constructor(cluster: FakeCluster, bob: ChatClient) {
    this.cluster = cluster
    this.bob = bob
  }

  static async open(): Promise<Fixture> {
    const cluster = await startFakeCluster()
    for (const name of ['alice', 'bob']) cluster.chat.createAccount(name, name, 'secret')
    const bob = await connect({ servers: cluster.servers })
    await bob.login('bob', 'secret')
    return new Fixture(cluster, bob)
  }

  async close(): Promise<void> {
    for (const terminal of this.#terminals) terminal.kill('SIGKILL')
    await this.bob.close()
    await this.cluster.stop()
  }

  get serversFlag(): readonly [string, string] {
    return ['--servers', this.cluster.servers.join(',')]
  }

  /** Starts the program, and waits for nothing. */
  spawn(args: readonly string[] = [], options: Options = {}): PseudoTerminal {
    const terminal = new PseudoTerminal([...this.serversFlag, ...args], options)
    this.#terminals.push(terminal)
    return terminal
  }

  /** Something else than the program. */
  spawnCommand(
    command: readonly [string, ...string[]],
    environment: Record<string, string> = {},
  ): PseudoTerminal {
    const terminal = new PseudoTerminal([], { command, environment })
    this.#terminals.push(terminal)
    return terminal
  }

  async start(args: readonly string[] = [], options: Options = {}): Promise<PseudoTerminal> {
    const terminal = this.spawn(args, options)
    await terminal.mustShow('Connected to replica 0. Type help to see all commands.', '>')
    return terminal
  }

  async logIn(args: readonly string[] = [], options: Options = {}): Promise<PseudoTerminal> {
    const terminal = await this.start(args, options)
    terminal.type('login alice\r')
    await terminal.mustShow('> login alice', 'Password:')
    terminal.type('secret\r')
    await terminal.mustShow('Logged in as alice; no messages wait.', 'alice>')
    return terminal
  }
}
