export {
  type AccountInfo,
  Chat,
  type ChatCounts,
  type EndedSessionInfo,
  type EntryPlace,
  type LiveSession,
} from './chat.ts'
export type {
  Acknowledge,
  Administer,
  ChangePassword,
  Command,
  CreateAccount,
  DeleteAccount,
  Expire,
  Login,
  Logout,
  Send,
  Touch,
} from './command.ts'
export { StateMachineError, type StateMachineErrorCode } from './error.ts'
export { type ChatLimits, defaultLimits } from './limits.ts'
export type { MailboxReader } from './mailbox-reader.ts'
export {
  type EndReason,
  isReplyTo,
  type Reason,
  type Refusal,
  type Reply,
  type ReplyOf,
  type Success,
} from './reply.ts'
export type { MailboxState } from './state/accounts.ts'
export type { MailboxMessage } from './state/mailbox.ts'
export type { MessageSink } from './state/message-block.ts'
export type { Observer } from './state/observers.ts'
export { checkName } from './validation/account-name.ts'
export { checkPassword, checkRequestId, checkText } from './validation/bounded-text.ts'
export type { Checked } from './validation/checked.ts'
