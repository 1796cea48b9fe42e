/** For replicas that share a host: kills a silent replica's process, and no other. Node only. */
export { createProcessFencer } from './process-fencer.ts'
export { processStart, thisProcess } from './process-start.ts'
