import type { Operation } from '../history/history.ts'
import { checkLinearizable, type SequentialModel, type Verdict } from '../history/linearizability.ts'

/** What is done with one mailbox. */
export type MailboxInput =
  /** `seenAt`: the sequence number at which a reader saw it, if one did. Only makes the search shorter. */
  | { readonly type: 'send'; readonly text: string; readonly seenAt?: number }
  | { readonly type: 'read'; readonly after: number; readonly limit: number }
  | { readonly type: 'acknowledge'; readonly upTo: number }

/** `send`: the message's id. `acknowledge`: how many are left. `read`: what is there. */
export type MailboxOutput = number | readonly SeenMessage[]

export interface SeenMessage {
  readonly sequence: number
  readonly id: number
  readonly text: string
}

interface MailboxState {
  /** The sequence number of the first message that waits. */
  readonly first: number
  /** `id` null: its sender was never told. */
  readonly messages: readonly { readonly text: string; readonly id: number | null }[]
  /** The last id that a sender was told: later messages have greater ones. */
  readonly lastId: number
}

/** A mailbox in one place: a queue whose messages have numbers and stay until they are acknowledged. */
const mailboxModel: SequentialModel<MailboxState, MailboxInput, MailboxOutput> = {
  initial: { first: 1, messages: [], lastId: 0 },

  step(state, input, told) {
    const { first, messages, lastId } = state
    switch (input.type) {
      case 'send': {
        const id = typeof told === 'number' ? told : null
        if (id !== null && id <= lastId) return null
        if (input.seenAt !== undefined && input.seenAt !== first + messages.length) return null
        return { first, messages: [...messages, { text: input.text, id }], lastId: id ?? lastId }
      }
      case 'read': {
        const start = Math.max(0, input.after + 1 - first)
        const there = messages.slice(start, start + input.limit)
        if (typeof told !== 'object' || told.length !== there.length) return null
        const same = told.every((seen, at) => {
          const message = there[at]
          return (
            seen.sequence === first + start + at &&
            seen.text === message?.text &&
            (message.id === null || seen.id === message.id)
          )
        })
        return same ? state : null
      }
      case 'acknowledge': {
        const gone = Math.max(0, Math.min(messages.length, input.upTo + 1 - first))
        const left = messages.length - gone
        if (told !== undefined && told !== left) return null
        return { first: first + gone, messages: messages.slice(gone), lastId }
      }
    }
  },

  key: ({ first, messages }) => `${first} ${messages.map(({ text }) => text).join(' ')}`,
}

/** Texts are sent once each, so what readers saw tells where a message has to stand. */
export function checkMailbox(operations: readonly Operation<MailboxInput, MailboxOutput>[]): Verdict {
  const seenAt = new Map<string, number>()
  for (const { output } of operations) {
    if (typeof output !== 'object') continue
    for (const { text, sequence } of output) if (!seenAt.has(text)) seenAt.set(text, sequence)
  }
  const hinted = operations.map((operation) => {
    const { input } = operation
    const at = input.type === 'send' ? seenAt.get(input.text) : undefined
    return input.type === 'send' && at !== undefined
      ? { ...operation, input: { ...input, seenAt: at } }
      : operation
  })
  // What was neither answered nor seen most likely never happened: look for an order without it first.
  const likely = hinted.filter(({ input, ended }) => {
    return input.type !== 'send' || input.seenAt !== undefined || ended !== Number.POSITIVE_INFINITY
  })
  const verdict = checkLinearizable(mailboxModel, likely)
  return verdict.linearizable || likely.length === hinted.length
    ? verdict
    : checkLinearizable(mailboxModel, hinted)
}
