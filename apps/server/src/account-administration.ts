import type { Replica } from '@chatroom/replica'
import type { Chat, Command, Reply } from '@chatroom/state-machine'
import type { AccountAdministration } from '@chatroom/transport-grpc/admin'

/** Messages, and bytes of their texts, in one page of a mailbox. */
const pageMessages = 1_000
const pageBytes = 1024 * 1024

/** What operators do with the accounts of the chat, on the leader. Names are taken in NFC, as everywhere. */
export function accountAdministration(
  replica: Pick<Replica<Command, Reply, Chat>, 'read' | 'propose'>,
): AccountAdministration {
  return {
    list: async (prefix, after, limit) =>
      await replica.read((chat) =>
        chat.list(prefix.normalize('NFC'), after, limit).flatMap((name) => {
          const account = chat.account(name)
          if (account === undefined) return []
          const { accountId, locked } = account
          const { waiting, bytes } = chat.mailbox(accountId)
          return [{ name, accountId, locked, waiting, waitingBytes: bytes }]
        }),
      ),
    administer: async (name, action) => {
      const reply = await replica.propose({ type: 'administer', name: name.normalize('NFC'), action })
      return reply.ok
    },
    mailbox: async (name, afterSequence) =>
      await replica.read((chat) => {
        const account = chat.account(name.normalize('NFC'))
        if (account === undefined) return null
        return chat.mailbox(account.accountId).read(afterSequence, pageMessages, pageBytes)
      }),
  }
}
