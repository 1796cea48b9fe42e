import { AcknowledgeRequest, SubscribeResponse } from '@chatroom/transport-grpc/chat'
import { RawClient, Reader } from '../wire.ts'
import type { Account } from './accounts.ts'

const service = '/chatroom.v1.ChatService'
/** A connected reader acknowledges what it has in steps, as packages/client does. */
const acknowledgeEveryMs = 50
/** A `SubscribeRequest` with `follow`. */
export const subscribeRequest = Buffer.from([2 << 3, 1])

/** Somebody connected who gets each message and acknowledges it: without that the mailbox would fill, and delivery would cost nothing. */
export class MailboxReader {
  readonly #client: RawClient
  readonly #account: Account
  readonly #timer: NodeJS.Timeout
  #last = 0
  #acknowledged = 0
  #underWay = false
  #requests = 0

  /** `onText`: called with each text. Without it nothing but sequence numbers is decoded. */
  constructor(leader: string, account: Account, onText?: (text: string) => void) {
    this.#client = new RawClient(leader)
    this.#account = account
    const subscription = this.#client.listen(`${service}/Subscribe`, subscribeRequest, account.metadata)
    subscription.on('data', (response: Buffer) => {
      this.#last = Math.max(this.#last, lastSequence(response))
      if (onText === undefined) return
      for (const { text } of SubscribeResponse.decode(response).messages) onText(text)
    })
    // A leader that is killed takes its subscriptions with it.
    subscription.on('error', () => this.stop())
    this.#timer = setInterval(() => this.#acknowledge(), acknowledgeEveryMs)
  }

  /** Acknowledges no more. The subscription ends with the server: Node may loop for ever over one that is reset. */
  stop(): void {
    clearInterval(this.#timer)
    this.#client.close()
  }

  #acknowledge(): void {
    const upTo = this.#last
    if (this.#underWay || upTo === this.#acknowledged) return
    this.#underWay = true
    this.#client
      .unary(
        `${service}/Acknowledge`,
        acknowledgement(`ack-${this.#requests++}`, upTo),
        this.#account.metadata,
      )
      .then(
        () => {
          this.#acknowledged = upTo
        },
        // Tried again with the next step.
        () => undefined,
      )
      .finally(() => {
        this.#underWay = false
      })
  }
}

function acknowledgement(requestId: string, upToSequence: number): Buffer {
  return Buffer.from(AcknowledgeRequest.encode({ requestId, upToSequence }).finish())
}

/** Of the last message in a `SubscribeResponse`; 0 if it has none. */
function lastSequence(response: Buffer): number {
  const reader = new Reader(response)
  let last: Reader | null = null
  while (reader.more) {
    const tag = reader.varint()
    const inside = reader.inside()
    if (tag >> 3 === 1) last = inside
  }
  if (last === null) return 0
  // The sequence is written first.
  return last.varint() === 1 << 3 ? last.varint() : 0
}
