import { names, type ReplicaId } from '@chatroom/election'
import { type Core, currentView, isSelf } from './state.ts'

/** A replica whose disk is full, and since when that is known. */
export interface FullDisk {
  readonly id: ReplicaId
  readonly since: number
}

/** The full disks among this replica's own and, on a leader, those of the view's members, which say so in their answers. */
export function fullDisks(core: Core): FullDisk[] {
  const full: FullDisk[] = []
  if (core.fullSince !== null) full.push({ id: core.self.id, since: core.fullSince })
  for (const member of currentView(core).members) {
    const progress = core.lead?.progress.get(member.id)
    if (isSelf(core, member) || progress === undefined || !names(member, progress.member)) continue
    if (progress.fullSince !== null) full.push({ id: member.id, since: progress.fullSince })
  }
  return full.sort((a, b) => a.id - b.id)
}

/**
 * Whether commands have to be refused for want of room: nothing could be committed on the disks that have some. A full disk of the leader's own is reason enough: what it
 * takes and cannot write stays in its memory. Views and empty entries are not commands: they may be what helps.
 */
export function isOutOfRoom(core: Core): boolean {
  if (core.fullSince !== null) return true
  // Asked for each command, so the usual answer comes first.
  if (!anyPeerIsFull(core)) return false
  const full = fullDisks(core)
  if (full.length === 0) return false
  return (
    core.mode.commitIndex(currentView(core), ({ id }) => (full.some((disk) => disk.id === id) ? 0 : 1)) === 0
  )
}

function anyPeerIsFull(core: Core): boolean {
  if (core.lead === null) return false
  for (const progress of core.lead.progress.values()) if (progress.fullSince !== null) return true
  return false
}
