import type { Member, PlacedView } from '@chatroom/election'
import { type Entry, entryBytes } from '@chatroom/replication-log'
import type { EntryTrace, Message } from '../core/messages.ts'

/** More than a message takes without its entries, data and members. */
const flatBytes = 256

/** What a message counts for in the bounds of a link: at least the bytes it takes in any sensible encoding. */
export function messageBytes(message: Message): number {
  switch (message.type) {
    case 'append':
      return entriesBytes(message.entries) + (message.traces === undefined ? 0 : tracesBytes(message.traces))
    case 'pulled':
      return entriesBytes(message.entries)
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
    case 'leave':
    case 'leaveNoted':
      return flatBytes
  }
}

function entriesBytes(entries: readonly Entry[]): number {
  return entries.reduce((sum, entry) => sum + entryBytes(entry), flatBytes)
}

function tracesBytes(traces: readonly EntryTrace[]): number {
  return traces.reduce((sum, { context }) => sum + 32 + 3 * context.length, 0)
}

function memberBytes(member: Member): number {
  return 32 + 3 * member.disk.length
}

function viewBytes(view: PlacedView): number {
  const members = [...view.members, ...view.learners]
  return members.reduce((sum, member) => sum + memberBytes(member), 3 * view.clusterId.length)
}
