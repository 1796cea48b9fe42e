// For whoever replicates a state machine.
export { type Codec, jsonCodec } from './codec.ts'

export type { Report } from './core/effects.ts'
export type { MemberChange } from './core/events.ts'
export { defaultLimits, type Limits } from './core/limits.ts'
export type {
  Append,
  Appended,
  EntryTrace,
  Leave,
  LeaveNoted,
  Message,
  Presence,
  Pull,
  Pulled,
  SnapshotAck,
  SnapshotChunk,
  TimeoutNow,
  VoteRefusal,
  VoteReply,
  VoteRequest,
} from './core/messages.ts'
export type { StepRecord } from './core/record.ts'
export {
  type DefinedStateMachine,
  defineStateMachine,
  type StateMachineDefinition,
} from './define-state-machine.ts'
export { type LeaderHint, ReplicaError, type ReplicaErrorCode } from './errors.ts'
export type { ReplicaOptions } from './options.ts'
// Ports: what an implementation of one needs.
export { type Clock, systemClock } from './ports/clock.ts'
export type { EntryAnswer, EntryHolder, EntryRequest, EntrySource } from './ports/entry-source.ts'
export type { Fencer } from './ports/fencer.ts'
export { introductionFault, type NewLink } from './ports/introduction.ts'
export { messageBytes } from './ports/message-bytes.ts'
export type { ReplicaLoad, ReplicaObserver } from './ports/observer.ts'
export type { EntryContext, SnapshotSink, StateMachine } from './ports/state-machine.ts'
export type { OpenStage, ReplicaStage, Tracing } from './ports/tracing.ts'
export type { Hello, PeerObservation, Transport, TransportReceiver } from './ports/transport.ts'
export { StrandedReplica } from './recovery.ts'
export type { Replica, ReplicaEvent } from './replica.ts'
export { PROTOCOL_VERSION } from './shell/introduction.ts'
export type { MendingEvent } from './shell/mending.ts'
export type { ProposalListener } from './shell/proposals.ts'
export { createReplica } from './shell/shell.ts'
export type { SavedSnapshot } from './shell/snapshotter.ts'
export type { PeerStatus, ReplicaStatus, Role, Waiting } from './status.ts'
