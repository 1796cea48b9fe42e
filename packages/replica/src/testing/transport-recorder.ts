import type { Member, ReplicaId } from '@chatroom/election'
import type { Message } from '../core/messages.ts'
import type { Hello, PeerObservation, TransportReceiver } from '../ports/transport.ts'

export type RecordedEvent =
  | { readonly type: 'received'; readonly from: Member; readonly message: Message }
  | { readonly type: 'observed'; readonly observation: PeerObservation }

/** A hello of that replica's first incarnation on a disk of its own; `changes` on top. */
export function helloOf(id: ReplicaId, changes: Partial<Hello> = {}): Hello {
  return {
    member: { id, disk: `disk-${id}`, incarnation: 1 },
    clusterId: 'cluster',
    mode: 'fail-stop',
    protocol: 1,
    clientAddress: `127.0.0.1:${9600 + id}`,
    pid: 0,
    processStart: '',
    ...changes,
  }
}

/** Writes down everything a transport reports, in order, and lets a test wait for what it expects. */
export class TransportRecorder implements TransportReceiver {
  readonly events: RecordedEvent[] = []
  /** Called after each event was written down. */
  onEvent: (event: RecordedEvent) => void = () => {}
  #hello: Hello
  readonly #waiting = new Set<() => void>()

  constructor(hello: Hello) {
    this.#hello = hello
  }

  hello(): Hello {
    return this.#hello
  }

  /** The next links are opened with this one. */
  say(hello: Hello): void {
    this.#hello = hello
  }

  receive(from: Member, message: Message): void {
    this.#record({ type: 'received', from, message })
  }

  observe(observation: PeerObservation): void {
    this.#record({ type: 'observed', observation })
  }

  get received(): readonly Extract<RecordedEvent, { type: 'received' }>[] {
    return this.events.filter((event) => event.type === 'received')
  }

  /** What was observed of one peer. */
  observations(peer: ReplicaId): readonly PeerObservation[] {
    return this.events.flatMap((event) =>
      event.type === 'observed' && event.observation.peer === peer ? [event.observation] : [],
    )
  }

  /** The first event from position `from` on for which `find` gives something. Rejects after `withinMs`, telling what was seen instead. */
  async until<T>(
    what: string,
    find: (event: RecordedEvent) => T | undefined,
    from = 0,
    withinMs = 60_000,
  ): Promise<T> {
    let next = from
    return new Promise((resolve, reject) => {
      const look = (): void => {
        for (; next < this.events.length; next += 1) {
          const event = this.events[next]
          const found = event === undefined ? undefined : find(event)
          if (found === undefined) continue
          clearTimeout(timer)
          this.#waiting.delete(look)
          resolve(found)
          return
        }
      }
      const timer = setTimeout(() => {
        this.#waiting.delete(look)
        const seen = this.events.slice(from).map(wordsOf).slice(-20)
        reject(new Error(`Waited in vain for ${what}. Seen last: ${seen.join('; ') || 'nothing'}.`))
      }, withinMs)
      this.#waiting.add(look)
      look()
    })
  }

  /** Until that kind of observation of that peer is made. */
  untilObserved<Type extends PeerObservation['type']>(
    peer: ReplicaId,
    type: Type,
    from = 0,
  ): Promise<Extract<PeerObservation, { type: Type }>> {
    const isWanted = (one: PeerObservation): one is Extract<PeerObservation, { type: Type }> =>
      one.type === type && one.peer === peer
    return this.until(
      `'${type}' of replica ${peer}`,
      (event) => (event.type === 'observed' && isWanted(event.observation) ? event.observation : undefined),
      from,
    )
  }

  /** Until so many messages have come in all. */
  async untilReceived(count: number): Promise<void> {
    let seen = 0
    await this.until(`${count} messages`, (event) => {
      if (event.type === 'received') seen += 1
      return seen >= count ? true : undefined
    })
  }

  #record(event: RecordedEvent): void {
    this.events.push(event)
    this.onEvent(event)
    for (const look of [...this.#waiting]) look()
  }
}

function wordsOf(event: RecordedEvent): string {
  return event.type === 'received'
    ? `${event.message.type} from ${event.from.id}`
    : JSON.stringify(event.observation)
}
