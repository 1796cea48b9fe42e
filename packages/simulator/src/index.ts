// The simulator as a library: put a state machine and its clients in, get the faults and the invariants.

export { type Answer, ClientIo } from './clients/client-io.ts'
export {
  describeFault,
  diskFaults,
  type Fault,
  type FaultKind,
  faultKinds,
  networkFaults,
  operatorFaults,
  processFaults,
} from './faults/fault.ts'
export { type Profile, profiles } from './faults/profile.ts'
export { History, type Operation } from './history/history.ts'
export { checkLinearizable, type SequentialModel, type Verdict } from './history/linearizability.ts'
export type { Violation } from './invariants/violation.ts'
export { Random } from './kernel/random.ts'
export { type CampaignOptions, countFrom, runCampaign, type Summary } from './run/campaign.ts'
export type { Recorded } from './run/recorded.ts'
export { type Shrunk, shrink } from './run/shrink.ts'
export { type SimulationOptions, type SimulationResult, simulate } from './run/simulate.ts'
export { chatWorkload } from './workloads/chat-workload.ts'
export { type RegisterCommand, RegisterMachine, type RegisterReply } from './workloads/register-machine.ts'
export { registerWorkload } from './workloads/register-workload.ts'
export type { Judge, Workload } from './workloads/workload.ts'
