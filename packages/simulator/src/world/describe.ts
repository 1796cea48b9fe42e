import type { Member, PlacedView } from '@chatroom/election'
import type { Message, ReplicaEvent } from '@chatroom/replica'

/** What a message is about, for counting which states a run has reached. */
export function kindOfMessage(message: Message): string {
  switch (message.type) {
    case 'append':
      if (message.entries.some(({ kind }) => kind === 'view')) return 'sends a view'
      return message.entries.length > 0 ? 'sends entries' : 'sends heartbeat'
    case 'appended':
      return message.accepted ? 'accepts entries' : 'refuses entries'
    case 'voteRequest':
      return `asks for ${message.pre ? 'pre-votes' : 'votes'}${message.recovery ? ' of recovery' : ''}${message.transfer ? ' of transfer' : ''}`
    case 'voteReply':
      return message.granted
        ? `grants ${message.pre ? 'pre-vote' : 'vote'}`
        : `refuses vote: ${message.refusal}`
    case 'presence':
      return 'says it is there'
    case 'pull':
      return 'adopts a log'
    case 'pulled':
      return message.matched ? 'gives its log' : 'gives its log: elsewhere'
    case 'snapshotChunk':
      return 'sends snapshot'
    case 'snapshotAck':
      return message.installed ? 'has snapshot' : 'wants snapshot'
    case 'timeoutNow':
      return 'hands over'
    case 'leave':
      return 'leaves'
    case 'leaveNoted':
      return 'knows who leaves'
  }
}

export function kindOfEvent(event: ReplicaEvent): string {
  switch (event.type) {
    case 'role':
      return `becomes ${event.role}`
    case 'leader':
      return event.leader === null ? 'has no leader' : 'has a leader'
    case 'view':
      return event.inForce ? 'view in force' : 'has view'
    case 'admitted':
      return 'is admitted'
    case 'proven dead':
      return 'has proof of death'
    case 'left':
      return 'hears who leaves'
    case 'fenced':
      return 'asks for fencing'
    case 'stalled':
      return 'notices a stall'
    case 'gave up leading':
      return `gives up leading: ${event.why}`
    case 'peer rejected':
      return 'rejects a peer'
    case 'halted':
      return 'halts'
    case 'fencing failed':
      return 'fencing failed'
    case 'storage full':
      return event.full ? 'disk is full' : 'disk has space again'
    case 'peer storage full':
      return event.full ? 'hears of a full disk' : 'hears of space again'
    case 'damage found':
    case 'damage waits':
    case 'damage mended':
      return event.type
  }
}

/** A message in a few words, for a trace that a person reads. */
export function describeMessage(message: Message): string {
  switch (message.type) {
    case 'append': {
      const { term, previous, entries, commitIndex, round } = message
      const last = entries.at(-1)
      const what = last === undefined ? 'nothing' : `${previous.index + 1}..${last.index}`
      return `term ${term}, ${what} after ${previous.index}/${previous.term}, commit ${commitIndex}, round ${round}`
    }
    case 'appended': {
      const { term, accepted, matchIndex, hint, commitIndex, storageFull } = message
      return `term ${term}, ${accepted ? `has ${matchIndex}` : `no: try ${hint.index}/${hint.term}`}, commit ${commitIndex}${storageFull ? ', full' : ''}`
    }
    case 'voteRequest': {
      const { term, pre, recovery, transfer, last, view, dead } = message
      const kind = `${pre ? 'pre ' : ''}${recovery ? 'recovery ' : ''}${transfer ? 'transfer ' : ''}`
      return `${kind}term ${term}, log ${last.index}/${last.term}, ${describeView(view)}${dead.length > 0 ? `, dead ${dead.map(describeMember).join(' ')}` : ''}`
    }
    case 'voteReply': {
      const { term, pre, granted, refusal, last } = message
      return `${pre ? 'pre ' : ''}term ${term}, ${granted ? 'granted' : refusal}, log ${last.index}/${last.term}`
    }
    case 'presence': {
      const { term, leader, admitted, last, view, commit } = message
      return `term ${term}, follows ${leader ?? 'nobody'}, ${admitted ? 'admitted' : 'returnee'}, log ${last.index}/${last.term}, commit ${commit.index}/${commit.term}, ${describeView(view)}`
    }
    case 'pull':
      return `term ${message.term}, after ${message.previous.index}/${message.previous.term}`
    case 'pulled': {
      const { term, previous, matched, hint, entries, last } = message
      return `term ${term}, ${matched ? `${entries.length} after ${previous.index}` : `no: try ${hint.index}/${hint.term}`}, log ${last.index}/${last.term}`
    }
    case 'snapshotChunk':
      return `term ${message.term}, of ${message.snapshot.index}: ${message.offset}+${message.data.length} of ${message.total}`
    case 'snapshotAck':
      return `term ${message.term}, of ${message.snapshot.index}: ${message.offset}${message.installed ? ', installed' : ''}`
    case 'timeoutNow':
      return `term ${message.term}`
    case 'leave':
      return `term ${message.term}, ${message.successor === null ? 'for nobody' : `for r${message.successor}`}`
    case 'leaveNoted':
      return `term ${message.term}`
  }
}

export function describeEvent(event: ReplicaEvent): string {
  switch (event.type) {
    case 'role':
      return `${event.role} in term ${event.term}`
    case 'leader':
      return `${event.leader === null ? 'nobody' : `r${event.leader}`} in term ${event.term}`
    case 'view':
      return `${describeView(event.view)}${event.inForce ? ' in force' : ''}`
    case 'admitted':
      return `by ${describeView(event.view)}`
    case 'proven dead':
    case 'left':
    case 'fenced':
      return describeMember(event.member)
    case 'stalled':
      return `${Math.round(event.ms)} ms`
    case 'gave up leading':
      return `term ${event.term}: ${event.why}`
    case 'peer rejected':
      return `r${event.peer}: ${event.reason}`
    case 'halted':
    case 'fencing failed':
      return event.reason
    case 'storage full':
      return event.full ? 'full' : 'space again'
    case 'peer storage full':
      return `r${event.peer}: ${event.full ? 'full' : 'space again'}`
    case 'damage found':
    case 'damage waits':
    case 'damage mended':
      return event.words
  }
}

function describeView(view: PlacedView): string {
  const learners = view.learners.length > 0 ? `; ${view.learners.map(describeMember).join(' ')}` : ''
  return `view ${view.index}/${view.term} {${view.members.map(describeMember).join(' ')}${learners}}`
}

function describeMember(member: Member): string {
  return `r${member.id}${member.incarnation === 0 ? '' : `.${member.incarnation}`}${member.disk === '' ? '' : `@${member.disk}`}`
}
