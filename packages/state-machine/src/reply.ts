import type { Command } from './command.ts'

/** How a session ended. */
export type EndReason =
  | 'session taken over'
  | 'session expired'
  | 'account deleted'
  | 'logged out'
  | 'password changed'

/** Why a command was refused. A refused command changed nothing. */
export type Reason =
  /** Empty, too long, or of characters that a name may not have. */
  | 'invalid name'
  | 'invalid password'
  /** Empty or too long. */
  | 'invalid text'
  | 'invalid request id'
  | 'invalid argument'
  /** This request id was used for another request. */
  | 'request id reused'
  | 'name taken'
  /** Unknown account or wrong password, which is not told apart. */
  | 'wrong credentials'
  /** The session is unknown, or ended so long ago that nobody remembers how. */
  | 'not logged in'
  /** The account has another session; `takeover` ends it. */
  | 'logged in elsewhere'
  | EndReason
  | 'unknown recipient'
  | 'send to self'
  /** The recipient's mailbox is at its bound; it has room when its reader acknowledges. */
  | 'mailbox full'
  /** `confirmName` is not the account's name. */
  | 'not confirmed'
  /** A bound of the whole chat is reached. */
  | 'limit reached'

/** The command changed nothing. */
export interface Refusal {
  readonly ok: false
  readonly reason: Reason
  /** For people: what was wrong and what to do. Not part of the replicated state: it may be worded differently by another version. */
  readonly message: string
}

/** The command took effect: now, or when this same request was applied first. */
export type Success =
  | { readonly ok: true; readonly type: 'createAccount'; readonly accountId: number; readonly name: string }
  | {
      readonly ok: true
      readonly type: 'login'
      readonly sessionId: number
      readonly accountId: number
      readonly name: string
      /** Milliseconds. */
      readonly idleTimeoutMs: number
      /** Messages in the mailbox. */
      readonly waiting: number
    }
  | { readonly ok: true; readonly type: 'logout' }
  | { readonly ok: true; readonly type: 'deleteAccount' }
  | { readonly ok: true; readonly type: 'changePassword' }
  | {
      readonly ok: true
      readonly type: 'send'
      /** The log index of the entry. */
      readonly messageId: number
      /** The recipient had a session when this was applied first. */
      readonly recipientOnline: boolean
    }
  /** `waiting`: messages left in the mailbox. */
  | { readonly ok: true; readonly type: 'acknowledge'; readonly waiting: number }
  | { readonly ok: true; readonly type: 'touch' }
  | { readonly ok: true; readonly type: 'administer' }
  /** `ended`: sessions that this entry ended. */
  | { readonly ok: true; readonly type: 'expire'; readonly ended: number }

/** The answer to any command. */
export type Reply = Success | Refusal

/** The answer to a command of this type. */
export type ReplyOf<C extends Command> = Extract<Success, { readonly type: C['type'] }> | Refusal

/** Narrows the answer of a replica, which carries all commands, to what this command can be answered. Always true for the reply to `command`. */
export function isReplyTo<C extends Command>(command: C, reply: Reply): reply is ReplyOf<C> {
  return !reply.ok || reply.type === command.type
}
