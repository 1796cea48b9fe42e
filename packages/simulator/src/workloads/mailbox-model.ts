import type { SequentialModel } from '../history/linearizability.ts'

/** What is done with one mailbox. */
export type MailboxInput =
  | { readonly type: 'send'; readonly text: string }
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
export const mailboxModel: SequentialModel<MailboxState, MailboxInput, MailboxOutput> = {
  initial: { first: 1, messages: [], lastId: 0 },

  step(state, input, told) {
    const { first, messages, lastId } = state
    switch (input.type) {
      case 'send': {
        const id = typeof told === 'number' ? told : null
        if (id !== null && id <= lastId) return null
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
