import type { ReplicaEvent } from '@chatroom/replica'
import type { Logger } from './logging.ts'

/** Writes what happens to a replica as log lines. `warn` and above is what a person at the launcher should see. */
export function logReplicaEvent(log: Logger, event: ReplicaEvent): void {
  switch (event.type) {
    case 'role':
      log.info(
        { event: 'replica.role', role: event.role, term: event.term },
        `is ${event.role} in term ${event.term}`,
      )
      return
    case 'leader':
      log.info(
        { event: 'replica.leader', leader: event.leader, term: event.term },
        event.leader === null
          ? `no leader known in term ${event.term}`
          : `replica ${event.leader} leads in term ${event.term}`,
      )
      return
    case 'view': {
      const members = event.view.members.map((member) => member.id)
      const { index, term } = event.view
      log.info(
        { event: 'replica.view', members, index, term, inForce: event.inForce },
        `view of replicas ${members.join(', ')}${event.inForce ? ' is in force' : ' begins'}`,
      )
      return
    }
    case 'admitted':
      log.info(
        { event: 'replica.admitted', index: event.view.index, term: event.view.term },
        'is admitted to the view',
      )
      return
    case 'proven dead':
      log.info(
        { event: 'replica.peer-dead', peer: event.member.id, incarnation: event.member.incarnation },
        `replica ${event.member.id} is proven dead`,
      )
      return
    case 'left':
      log.info(
        { event: 'replica.peer-left', peer: event.member.id, incarnation: event.member.incarnation },
        `replica ${event.member.id} leaves`,
      )
      return
    case 'fenced':
      log.warn(
        {
          event: 'replica.fenced',
          peer: event.member.id,
          incarnation: event.member.incarnation,
          silentMs: event.silentMs,
        },
        `replica ${event.member.id} was silent for ${Math.round(event.silentMs)} ms: to be fenced`,
      )
      return
    case 'stalled':
      log.warn({ event: 'replica.stalled', ms: event.ms }, `stood still for ${Math.round(event.ms)} ms`)
      return
    case 'gave up leading':
      log.warn(
        { event: 'replica.gave-up-leading', term: event.term, why: event.why },
        `gives up leading: ${event.why}`,
      )
      return
    case 'peer rejected':
      log.warn(
        { event: 'replica.peer-rejected', peer: event.peer, reason: event.reason },
        `does not talk to replica ${event.peer}: ${event.reason}`,
      )
      return
    case 'fencing failed':
      log.error({ event: 'replica.fencing-failed', reason: event.reason }, event.reason)
      return
    case 'storage full':
      if (event.full)
        log.error(
          { event: 'replica.storage-full' },
          'the disk is full: writes are refused until there is room',
        )
      else log.info({ event: 'replica.storage-has-room' }, 'the disk has room again')
      return
    case 'peer storage full':
      if (event.full)
        log.error(
          { event: 'replica.peer-storage-full', peer: event.peer },
          `the disk of replica ${event.peer} is full: free some space there`,
        )
      else
        log.info(
          { event: 'replica.peer-storage-has-room', peer: event.peer },
          `the disk of replica ${event.peer} has room again`,
        )
      return
    case 'damage found': {
      const { file, from, to } = event.damage
      log.warn({ event: 'storage.damage-found', file, from, to }, event.words)
      return
    }
    case 'damage waits': {
      const { file, from, to } = event.damage
      log.warn({ event: 'storage.damage-waits', file, from, to }, event.words)
      return
    }
    case 'damage mended': {
      const { file, from, to } = event.damage
      log.warn({ event: 'storage.damage-mended', file, from, to }, event.words)
      return
    }
    case 'halted':
      log.fatal({ event: 'replica.halted', reason: event.reason }, `stopped itself: ${event.reason}`)
      return
  }
}
