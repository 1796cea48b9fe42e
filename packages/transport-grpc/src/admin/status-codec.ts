import type { Member, PlacedView } from '@chatroom/election'
import type { PeerStatus, ReplicaStatus, Role, Waiting } from '@chatroom/replica'
import { TransportError } from '../errors.ts'
import {
  type GetStatusResponse,
  Mode,
  type Peer,
  Progress,
  WaitingFor,
  Role as WireRole,
  type View as WireView,
  type Waiting as WireWaiting,
} from '../gen/chatroom/admin/v1/admin_service.ts'
import { namesByNumber } from '../wire/enum-names.ts'

const modes: Record<ReplicaStatus['mode'], Mode> = {
  'fail-stop': Mode.MODE_FAIL_STOP,
  majority: Mode.MODE_MAJORITY,
}

const roles: Record<Role, WireRole> = {
  leader: WireRole.ROLE_LEADER,
  follower: WireRole.ROLE_FOLLOWER,
  candidate: WireRole.ROLE_CANDIDATE,
  learner: WireRole.ROLE_LEARNER,
  returnee: WireRole.ROLE_RETURNEE,
}

const reasons: Record<Waiting['for'], WaitingFor> = {
  'members of the newest view': WaitingFor.WAITING_FOR_MEMBERS_OF_THE_NEWEST_VIEW,
  votes: WaitingFor.WAITING_FOR_VOTES,
  'proof about a silent member': WaitingFor.WAITING_FOR_PROOF_ABOUT_A_SILENT_MEMBER,
  'a quorum': WaitingFor.WAITING_FOR_A_QUORUM,
  'the first commit of the term': WaitingFor.WAITING_FOR_THE_FIRST_COMMIT_OF_THE_TERM,
  'acknowledgement of a slow member': WaitingFor.WAITING_FOR_ACKNOWLEDGEMENT_OF_A_SLOW_MEMBER,
  'catching up': WaitingFor.WAITING_FOR_CATCHING_UP,
  'own disk': WaitingFor.WAITING_FOR_OWN_DISK,
  'a leader': WaitingFor.WAITING_FOR_A_LEADER,
  'room on a disk': WaitingFor.WAITING_FOR_ROOM_ON_A_DISK,
  'admission of a new disk': WaitingFor.WAITING_FOR_ADMISSION_OF_A_NEW_DISK,
  'a replica that is turned away': WaitingFor.WAITING_FOR_A_REPLICA_THAT_IS_TURNED_AWAY,
}

const progresses: Record<NonNullable<PeerStatus['progress']>, Progress> = {
  probe: Progress.PROGRESS_PROBE,
  replicate: Progress.PROGRESS_REPLICATE,
  snapshot: Progress.PROGRESS_SNAPSHOT,
}

const modeNames = namesByNumber(modes)
const roleNames = namesByNumber(roles)
const reasonNames = namesByNumber(reasons)
const progressNames = namesByNumber(progresses)

export function encodeStatus(status: ReplicaStatus): GetStatusResponse {
  return {
    ...status,
    mode: modes[status.mode],
    role: roles[status.role],
    leader: status.leader ?? undefined,
    leaderAddress: status.leaderAddress ?? undefined,
    view: encodeView(status.view),
    waiting: status.waiting.map(encodeWaiting),
    slowestMember: status.slowestMember ?? undefined,
    peers: status.peers.map(encodePeer),
  }
}

/** Throws a `TransportError` `malformed message` for what this version has no word for. */
export function decodeStatus(response: GetStatusResponse): ReplicaStatus {
  return {
    ...response,
    mode: named(modeNames, response.mode, 'mode'),
    role: named(roleNames, response.role, 'role'),
    leader: response.leader ?? null,
    leaderAddress: response.leaderAddress ?? null,
    view: decodeView(response.view),
    waiting: response.waiting.map((one) => ({ ...one, for: named(reasonNames, one.for, 'reason to wait') })),
    slowestMember: response.slowestMember ?? null,
    peers: response.peers.map(decodePeer),
  }
}

function encodeView(view: PlacedView): WireView {
  const { machineVersion } = view
  return {
    ...view,
    members: view.members.map(copyMember),
    learners: view.learners.map(copyMember),
    machineVersion,
  }
}

function decodeView(view: WireView | undefined): PlacedView {
  if (view === undefined) throw new TransportError('malformed message', 'The status has no view.')
  const { machineVersion, ...rest } = view
  return machineVersion === undefined ? rest : { ...rest, machineVersion }
}

function encodeWaiting(waiting: Waiting): WireWaiting {
  return {
    ...waiting,
    for: reasons[waiting.for],
    replicas: [...waiting.replicas],
    sinceMs: wholeMs(waiting.sinceMs),
  }
}

function encodePeer(peer: PeerStatus): Peer {
  return {
    ...peer,
    member: peer.member === null ? undefined : copyMember(peer.member),
    progress: peer.progress === null ? Progress.PROGRESS_UNSPECIFIED : progresses[peer.progress],
    matchIndex: peer.matchIndex ?? undefined,
    silentMs: peer.silentMs === null ? undefined : wholeMs(peer.silentMs),
  }
}

function decodePeer(peer: Peer): PeerStatus {
  return {
    ...peer,
    member: peer.member ?? null,
    progress:
      peer.progress === Progress.PROGRESS_UNSPECIFIED
        ? null
        : named(progressNames, peer.progress, 'progress'),
    matchIndex: peer.matchIndex ?? null,
    silentMs: peer.silentMs ?? null,
  }
}

function copyMember({ id, disk, incarnation }: Member): Member {
  return { id, disk, incarnation }
}

/** Clocks count parts of milliseconds, the wire does not. */
function wholeMs(ms: number): number {
  return Math.max(0, Math.round(ms))
}

function named<Name extends string>(names: ReadonlyMap<number, Name>, number: number, what: string): Name {
  const name = names.get(number)
  if (name === undefined) {
    throw new TransportError(
      'malformed message',
      `The replica tells of a ${what} with the number ${number}, which this version does not know: use the tools of the replica's version.`,
    )
  }
  return name
}
