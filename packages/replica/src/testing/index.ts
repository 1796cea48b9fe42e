/** For tests of replicas and of transports: a network in memory, a clock that stands still, and what every Transport has to do. */
export { EchoMember } from './echo-member.ts'
export {
  MemoryNetwork,
  type MemoryNetworkLimits,
  type MemoryNetworkOptions,
  type MemoryTransportOptions,
  type NetworkStep,
} from './memory-network.ts'
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
