/** A chat program's side of Chatroom: sessions, failover, exactly-once sends, subscriptions. */
export {
  type CallOptions,
  ChatClient,
  type CloseOptions,
  connect,
  type KeptSession,
  type LoginOptions,
  type LoginResult,
  type SearchListener,
} from './client.ts'
export { ChatError, type ChatErrorCode, type GrpcCode } from './error.ts'
export type { InboxMessage, InboxOptions } from './inbox.ts'
export type { ReplicaLook } from './look.ts'
export type { ConnectOptions, Switch } from './options.ts'
export type { SendOptions, Sent } from './sender.ts'
