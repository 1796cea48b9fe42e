/**
 * For tests of replicas and of whatever implements a port: a network, processes and a clock in memory, and what every StateMachine, Transport, Clock and Fencer
 * has to do. (Storages: `@chatroom/replication-log/testing`.)
 */
export { type ClockCase, type ClockSubject, clockAcceptance } from './clock-acceptance.ts'
export { EchoMember } from './echo-member.ts'
export { type FencerCase, type FencerSubject, fencerAcceptance, type Victim } from './fencer-acceptance.ts'
export {
  MemoryNetwork,
  type MemoryNetworkLimits,
  type MemoryNetworkOptions,
  type MemoryTransportOptions,
  type NetworkStep,
} from './memory-network.ts'
export { type MemoryProcess, MemoryProcesses } from './memory-processes.ts'
export { stateMachineAcceptance } from './state-machine-acceptance.ts'
export type { StateMachineCase, StateMachineSubject } from './state-machine-history.ts'
export { transportAcceptance } from './transport-acceptance.ts'
export {
  acceptanceLimits,
  type RemoteMember,
  type TransportCase,
  type TransportGroup,
} from './transport-group.ts'
export { helloOf, type RecordedEvent, TransportRecorder } from './transport-recorder.ts'
export { VirtualClock } from './virtual-clock.ts'
