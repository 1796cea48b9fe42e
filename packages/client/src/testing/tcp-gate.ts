import { createServer, type Server, type Socket, connect as tcpConnect } from 'node:net'

/** A TCP port in front of a server, which can do what processes and networks do to connections. */
export class TcpGate {
  readonly #behind: number
  readonly #sockets = new Set<Socket>()
  #listener: Server | null = null
  #port = 0
  #frozen = false

  /** @param behind the port on 127.0.0.1 that everything goes to */
  constructor(behind: number) {
    this.#behind = behind
  }

  /** `host:port`. */
  get address(): string {
    return `127.0.0.1:${this.#port}`
  }

  /** Listens, on the same port as before if there was one. */
  async open(): Promise<void> {
    const listener = createServer((inside) => this.#join(inside))
    this.#listener = listener
    await new Promise<void>((resolve, reject) => {
      listener.once('error', reject)
      listener.listen(this.#port, '127.0.0.1', resolve)
    })
    const address = listener.address()
    if (address !== null && typeof address === 'object') this.#port = address.port
  }

  /** What the kernel does when a process is killed: connections break at once, new ones are refused. */
  async kill(): Promise<void> {
    const listener = this.#listener
    this.#listener = null
    this.#frozen = false
    const closed = new Promise<void>((resolve) =>
      listener === null ? resolve() : listener.close(() => resolve()),
    )
    this.cut()
    await closed
  }

  /** Breaks all connections; new ones are taken. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
    this.#sockets.clear()
  }

  /** A stopped process: connections stay, new ones are taken, nothing answers. */
  freeze(): void {
    this.#frozen = true
    for (const socket of this.#sockets) socket.pause()
  }

  /** Goes on after `freeze`. */
  thaw(): void {
    this.#frozen = false
    for (const socket of this.#sockets) socket.resume()
  }

  #join(client: Socket): void {
    const server = tcpConnect(this.#behind, '127.0.0.1')
    this.#pass(client, server)
    this.#pass(server, client)
  }

  #pass(from: Socket, to: Socket): void {
    this.#sockets.add(from)
    from.setNoDelay(true)
    from.on('data', (bytes) => to.write(bytes))
    from.on('error', () => undefined)
    from.on('close', () => {
      this.#sockets.delete(from)
      to.destroy()
    })
    if (this.#frozen) from.pause()
  }
}
