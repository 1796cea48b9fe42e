/** For tests of programs that use the client: a cluster on real sockets that fails on demand. */
export type { ChatModel, ModelSent, SessionEnd } from './chat-model.ts'
export { type FakeCluster, startFakeCluster } from './fake-cluster.ts'
export type { FakeReplica, Refusing } from './fake-replica.ts'
