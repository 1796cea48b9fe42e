import type { SnapshotSink, StateMachine } from '@chatroom/replica'

/** `append` adds to the text of a register. `request` counts up per client: a request that was done is not done again. */
export interface RegisterCommand {
  readonly client: number
  readonly request: number
  readonly register: string
  readonly append: string
}

export interface RegisterReply {
  /** The register after the command; undefined: the client has gone on to later requests, and this one is forgotten. */
  readonly text: string | undefined
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

interface State {
  readonly registers: readonly [string, string][]
  readonly answered: readonly [number, { request: number; text: string }][]
}

/** The least that shows everything: registers of text, and exactly-once by a number per client. Also the example of a state machine to put into the simulator. */
export class RegisterMachine implements StateMachine<RegisterCommand, RegisterReply> {
  readonly version = 1
  #registers = new Map<string, string>()
  #answered = new Map<number, { request: number; text: string }>()

  read(register: string): string {
    return this.#registers.get(register) ?? ''
  }

  encode(command: RegisterCommand): Uint8Array {
    return encoder.encode(JSON.stringify([command.client, command.request, command.register, command.append]))
  }

  decode(payload: Uint8Array): RegisterCommand {
    const parsed: unknown = JSON.parse(decoder.decode(payload))
    if (!Array.isArray(parsed)) throw new TypeError('register command: not a list')
    const [client, request, register, append] = parsed as readonly unknown[]
    if (
      typeof client !== 'number' ||
      typeof request !== 'number' ||
      typeof register !== 'string' ||
      typeof append !== 'string'
    )
      throw new TypeError('register command: a part is missing')
    return { client, request, register, append }
  }

  apply({ client, request, register, append }: RegisterCommand): RegisterReply {
    const answered = this.#answered.get(client)
    if (answered !== undefined && answered.request >= request)
      return { text: answered.request === request ? answered.text : undefined }
    const text = this.read(register) + append
    this.#registers.set(register, text)
    this.#answered.set(client, { request, text })
    return { text }
  }

  snapshot(): IterableIterator<Uint8Array> {
    return [encoder.encode(this.#state())].values()
  }

  restore(): SnapshotSink {
    let text = ''
    const streaming = new TextDecoder()
    return {
      write: (chunk) => {
        text += streaming.decode(chunk, { stream: true })
      },
      finish: () => {
        const { registers, answered } = JSON.parse(text + streaming.decode()) as State
        this.#registers = new Map(registers)
        this.#answered = new Map(answered)
      },
    }
  }

  hash(): string {
    return this.#state()
  }

  #state(): string {
    const registers = [...this.#registers].sort(([a], [b]) => (a < b ? -1 : 1))
    const answered = [...this.#answered].sort(([a], [b]) => a - b)
    return JSON.stringify({ registers, answered })
  }
}
