import { type Member, names, namesDisk, type ReplicaId } from '@chatroom/election'
import type { Role, Waiting } from '../status.ts'
import { recoveryPlan } from './campaign.ts'
import { hasLeft } from './leaving.ts'
import { fullDisks, isOutOfRoom } from './space.ts'
import { type Core, currentView, isSelf, isServing, type Peer, viewInForce } from './state.ts'

/** The role in the words of `status`: a follower that may not vote, or that follows nobody because everybody died, has names of its own. */
export function roleOf(core: Core): Role {
  if (core.role !== 'follower') return core.role
  const inView = currentView(core).members.some((member) => names(member, core.self))
  if (core.leader !== null) return inView ? 'follower' : 'learner'
  return core.admitted ? 'follower' : 'returnee'
}

/** Why nobody leads, why writes wait, why this replica does not take part: empty if nothing waits. */
export function explainWaiting(core: Core): Waiting[] {
  if (hasLeft(core)) return []
  const waits = [...roomWaits(core), ...turnedAway(core)]
  if (core.role === 'leader') return [...waits, ...leaderWaits(core)]
  if (core.leader !== null) return [...waits, ...followerWaits(core)]
  return [...waits, ...leaderlessWaits(core)]
}

function roomWaits(core: Core): Waiting[] {
  const full = fullDisks(core)
  if (full.length === 0) return []
  const replicas = full.map(({ id }) => id)
  const then = isOutOfRoom(core)
    ? 'new writes are refused and those under way wait'
    : `writes go on without ${replicas.length === 1 ? 'it' : 'them'}`
  return [
    {
      for: 'room on a disk',
      replicas,
      sinceMs: core.now - Math.min(...full.map(({ since }) => since)),
      words: `no room on the ${replicas.length === 1 ? 'disk' : 'disks'} of ${list(replicas)}: ${then}; free some space there`,
    },
  ]
}

/** Replicas that run and are not talked to, each with the reason: nothing else helps before that is mended. */
function turnedAway(core: Core): Waiting[] {
  return [...core.peers.values()]
    .filter(({ rejected, connected }) => rejected !== '' && !connected)
    .map(({ id, rejected, rejectedAt }) => ({
      for: 'a replica that is turned away',
      replicas: [id],
      sinceMs: core.now - rejectedAt,
      words: `replica ${id} runs and is turned away: ${rejected}`,
    }))
}

function leaderWaits(core: Core): Waiting[] {
  const { lead } = core
  if (lead === null) return []
  const late: ReplicaId[] = []
  const silent: ReplicaId[] = []
  for (const member of currentView(core).members) {
    if (isSelf(core, member)) continue
    const progress = lead.progress.get(member.id)
    const held = progress !== undefined && names(member, progress.member) ? progress.match : 0
    if (held > core.commitIndex) continue
    if (silentMs(core, core.peers.get(member.id)) > core.limits.stallMs) silent.push(member.id)
    else late.push(member.id)
  }
  const waits: Waiting[] = []
  const since = core.now - lead.roundAt
  const stuck = core.log.last.index > core.commitIndex
  if (!stuck) return []
  if (silent.length > 0) {
    const sinceMs = Math.max(...silent.map((id) => silentMs(core, core.peers.get(id))))
    if (core.mode.onSilence === 'fence') {
      waits.push({
        for: 'proof about a silent member',
        replicas: silent,
        sinceMs,
        words: `${list(silent)} ${are(silent)} silent: writes wait for an answer or for proof of death`,
      })
    } else {
      waits.push({
        for: 'a quorum',
        replicas: silent,
        sinceMs,
        words: `no answer from ${list(silent)}: writes wait for a majority`,
      })
    }
  }
  if (!isServing(core)) {
    waits.push({
      for: 'the first commit of the term',
      replicas: late,
      sinceMs: core.now - lead.since,
      words: 'the first entry of this term is not on enough disks yet',
    })
  } else if (late.length > 0) {
    waits.push({
      for: 'acknowledgement of a slow member',
      replicas: late,
      sinceMs: since,
      words: `${core.log.last.index - core.commitIndex} entries wait for the disk of ${list(late)}`,
    })
  }
  if (core.log.durable <= core.commitIndex) {
    waits.push({
      for: 'own disk',
      replicas: [core.self.id],
      sinceMs: since,
      words: `${core.log.last.index - core.log.durable} entries wait for this replica's own disk`,
    })
  }
  return waits
}

function followerWaits(core: Core): Waiting[] {
  const leader = core.leader?.id ?? -1
  const sinceMs = core.now - core.leaderHeardAt
  if (isReplaced(core)) {
    return [{ for: 'admission of a new disk', replicas: [leader], sinceMs, words: replacedWords(core) }]
  }
  const inView = currentView(core).members.some((member) => names(member, core.self))
  if (!inView || core.installing)
    return [
      {
        for: 'catching up',
        replicas: [leader],
        sinceMs,
        words: `replica ${leader} brings this replica up to date`,
      },
    ]
  if (core.deaths.isDead(core.leader ?? core.self) || sinceMs > core.limits.stallMs) {
    return [
      {
        for: 'proof about a silent member',
        replicas: [leader],
        sinceMs,
        words: `the leader, replica ${leader}, is silent`,
      },
    ]
  }
  return []
}

function leaderlessWaits(core: Core): Waiting[] {
  const sinceMs = core.now - core.leaderlessSince
  if (core.admitted || core.campaign !== null) return [electionWaits(core, sinceMs)]
  const leader = leaderOfOthers(core)
  if (leader !== null) {
    return [
      {
        for: 'a leader',
        replicas: [leader],
        sinceMs,
        words: `replica ${leader} leads others, and has not spoken to this replica yet`,
      },
    ]
  }
  const plan = recoveryPlan(core)
  if (plan.type === 'lead') {
    return [
      {
        for: 'votes',
        replicas: plan.members.map((member) => member.id),
        sinceMs,
        words: `everybody needed is back: replica ${plan.leader} is about to lead`,
      },
    ]
  }
  const waits: Waiting[] = []
  // Those that run and are turned away are told already: to start them is no advice.
  const down = plan.missing.filter((id) => (core.peers.get(id)?.rejected ?? '') === '')
  if (down.length > 0) {
    waits.push({
      for: 'members of the newest view',
      replicas: down,
      sinceMs,
      words: missingWords(core, down),
    })
  }
  if (plan.replaced.length > 0) {
    waits.push({
      for: 'admission of a new disk',
      replicas: plan.replaced,
      sinceMs,
      words: `the disk of ${list(plan.replaced)} was replaced, and the last view counts on the old one: bring the old data directory back`,
    })
  }
  return waits
}

/** Whom others say they follow, though this replica has not heard it. */
function leaderOfOthers(core: Core): ReplicaId | null {
  for (const { connected, presence, presenceAt } of core.peers.values()) {
    const fresh = connected && core.now - presenceAt <= core.limits.fenceAfterMs
    if (fresh && presence !== null && presence.leader !== null && presence.leader !== core.self.id)
      return presence.leader
  }
  return null
}

function electionWaits(core: Core, sinceMs: number): Waiting {
  const open: ReplicaId[] = []
  for (const member of currentView(core).members) {
    if (isSelf(core, member) || core.deaths.isDead(member)) continue
    const vote = core.campaign?.granted.get(member.id)
    if (vote === undefined || !names(member, vote.member)) open.push(member.id)
  }
  const silent = open.filter((id) => silentMs(core, core.peers.get(id)) > core.limits.stallMs)
  if (core.mode.onSilence === 'fence' && silent.length > 0) {
    return {
      for: 'proof about a silent member',
      replicas: silent,
      sinceMs,
      words: `no leader yet: neither an answer from ${list(silent)} nor proof of death`,
    }
  }
  if (silent.length > 0)
    return {
      for: 'a quorum',
      replicas: silent,
      sinceMs,
      words: `no leader: too few replicas answer; ${list(silent)} ${are(silent)} silent`,
    }
  return { for: 'votes', replicas: open, sinceMs, words: 'an election is under way' }
}

/** How many members may crash now, at once, without stopping service. Honest: who does not know yet that it is admitted does not count. */
export function crashesTolerated(core: Core): number {
  const view = currentView(core)
  if (!viewInForce(core) || (core.role === 'leader' && !isServing(core)) || core.leader === null) return 0
  let up = 0
  let ready = 0
  for (const member of view.members) {
    if (isSelf(core, member)) {
      up++
      if (core.admitted) ready++
    } else if (!core.deaths.isDead(member) && isUp(core, core.peers.get(member.id), member)) {
      up++
      if (core.lead === null || knowsItIsAdmitted(core, member)) ready++
    }
  }
  return core.mode.crashesTolerated(view, up, ready)
}

function isUp(core: Core, peer: Peer | undefined, member: Member): boolean {
  if (peer?.member === null || peer?.member === undefined || !names(member, peer.member)) return false
  // Followers hear each other too rarely to judge.
  return core.lead === null || (peer.connected && silentMs(core, peer) <= core.limits.stallMs)
}

function knowsItIsAdmitted(core: Core, member: Member): boolean {
  const named = core.views.find(
    (view) =>
      view.index > 0 &&
      view.members.some(
        (m) => m.id === member.id && m.disk === member.disk && m.incarnation === member.incarnation,
      ),
  )
  return named !== undefined && (core.lead?.progress.get(member.id)?.knownCommit ?? 0) >= named.index
}

function missingWords(core: Core, missing: readonly ReplicaId[]): string {
  const start = `start ${missing.length > 1 ? 'them' : 'it'} to go on`
  if (currentView(core).index === 0)
    return `a new cluster begins when all its members are there; ${list(missing)} ${are(missing)} not: ${start}`
  return `all replicas stopped; the last view counts on ${list(missing)}, which may hold acknowledged entries that nobody else has: ${start}`
}

function are(ids: readonly ReplicaId[]): string {
  return ids.length === 1 ? 'is' : 'are'
}

function isReplaced(core: Core): boolean {
  const named = currentView(core).members.find((member) => member.id === core.self.id)
  return named !== undefined && !namesDisk(named, core.self)
}

function replacedWords(core: Core): string {
  return core.mode.namesIncarnations
    ? 'this replica has a new disk: it joins as soon as the old one is proven dead and it has caught up'
    : `the view counts on the old disk of replica ${core.self.id}: remove the member and add it again`
}

function silentMs(core: Core, peer: Peer | undefined): number {
  return peer === undefined ? Number.POSITIVE_INFINITY : core.now - peer.heardAt
}

function list(ids: readonly ReplicaId[]): string {
  if (ids.length === 1) return `replica ${ids[0]}`
  return `replicas ${ids.slice(0, -1).join(', ')} and ${ids.at(-1)}`
}
