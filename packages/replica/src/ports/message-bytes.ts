import type { Member, PlacedView } from '@chatroom/election'
import { entryBytes } from '@chatroom/replication-log'
import type { Message } from '../core/messages.ts'

/** More than a message takes without its entries, data and members. */
const flatBytes = 256

/** What a message counts for in the bounds of a link: at least the bytes it takes in any sensible encoding. */
export function messageBytes(message: Message): number {
  switch (message.type) {
    case 'append':
    case 'pulled':
      return message.entries.reduce((sum, entry) => sum + entryBytes(entry), flatBytes)
    case 'snapshotChunk':
      return flatBytes + message.data.length + viewBytes(message.view)
    case 'voteRequest':
      return (
        flatBytes +
        viewBytes(message.view) +
        message.dead.reduce((sum, member) => sum + memberBytes(member), 0)
      )
    case 'voteReply':
    case 'presence':
      return flatBytes + viewBytes(message.view)
    case 'appended':
    case 'pull':
    case 'snapshotAck':
    case 'timeoutNow':
      return flatBytes
  }
}

function memberBytes(member: Member): number {
  return 32 + 3 * member.disk.length
}

function viewBytes(view: PlacedView): number {
  const members = [...view.members, ...view.learners]
  return members.reduce((sum, member) => sum + memberBytes(member), 3 * view.clusterId.length)
}
