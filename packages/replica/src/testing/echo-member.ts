import type { Member } from '@chatroom/election'
import type { Message } from '../core/messages.ts'
import type { Hello, PeerObservation, Transport, TransportReceiver } from '../ports/transport.ts'

/** The other end of a test: sends every message back to whoever sent it, in order, as soon as it has a link to them. */
export class EchoMember implements TransportReceiver {
  readonly #transport: Transport
  readonly #hello: Hello
  readonly #reached = new Map<number, Member>()
  #unsent: { to: Member; message: Message }[] = []

  constructor(transport: Transport, hello: Hello) {
    this.#transport = transport
    this.#hello = hello
  }

  start(): Promise<void> {
    return this.#transport.start(this)
  }

  hello(): Hello {
    return this.#hello
  }

  receive(from: Member, message: Message): void {
    if (this.#reached.has(from.id)) this.#transport.send(from, message)
    else this.#unsent.push({ to: from, message })
  }

  observe(observation: PeerObservation): void {
    if (observation.type === 'disconnected') this.#reached.delete(observation.peer)
    if (observation.type !== 'connected') return
    this.#reached.set(observation.peer, observation.hello.member)
    const due = this.#unsent.filter(({ to }) => to.id === observation.peer)
    this.#unsent = this.#unsent.filter(({ to }) => to.id !== observation.peer)
    for (const { to, message } of due) this.#transport.send(to, message)
  }
}
