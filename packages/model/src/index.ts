export { describeAction } from './describe-action.ts'
export type { Action as FailStopAction } from './fail-stop/actions.ts'
export { canServe } from './fail-stop/liveness.ts'
export {
  type Bounds as FailStopBounds,
  type Mistake as FailStopMistake,
  mistakes as failStopMistakes,
  precautions as failStopPrecautions,
  type Setting as FailStopSetting,
} from './fail-stop/setting.ts'
export {
  describeState as describeFailStopState,
  RUNS_PER_DISK,
  type State as FailStopState,
} from './fail-stop/state.ts'
export { type FailStopSystem, failStopSystem, likelihood as failStopLikelihood } from './fail-stop/system.ts'
export { commonLength, type Entry, type Log, type Member, type PlacedView } from './log.ts'
export type { Action as MajorityAction } from './majority/actions.ts'
export {
  type Bounds as MajorityBounds,
  type Mistake as MajorityMistake,
  mistakes as majorityMistakes,
  type Setting as MajoritySetting,
} from './majority/setting.ts'
export { describeState as describeMajorityState, type State as MajorityState } from './majority/state.ts'
export { likelihood as majorityLikelihood, majoritySystem } from './majority/system.ts'
export { type Outcome, type SearchOptions, type Step, type System, search } from './search.ts'
export { shortened, type WalkOptions, type WalkOutcome, walk } from './walk.ts'
