/** Bytes of a token's hash (SHA-256). */
export const tokenHashBytes = 32

/**
 * Makes an account. The reply is remembered under the name and the request id, whatever the password hash: a retry has another salt.
 */
export interface CreateAccount {
  readonly type: 'createAccount'
  readonly requestId: string
  /** As `checkName` returns it: valid, in NFC. */
  readonly name: string
  /** Salted, in the text form of its algorithm. */
  readonly passwordHash: string
}

/**
 * Opens a session. The password was checked before, against the account `accountId`; if the name belongs to another account by now, the login is refused.
 * A retry gives the session that the first try opened, with the token of the retry: only the last token is known to anybody.
 */
export interface Login {
  readonly type: 'login'
  readonly requestId: string
  readonly name: string
  readonly accountId: number
  /** SHA-256 of the token, 32 bytes. */
  readonly tokenHash: Uint8Array
  /** End another session of this account instead of being refused. */
  readonly takeover: boolean
  /** Milliseconds without a command after which the session ends. */
  readonly idleTimeoutMs: number
  /** Milliseconds after which the session ends however active it is; 0: never. Leaders may differ in it, so a retry may, too: the first try's counts. */
  readonly lifetimeMs: number
}

export interface Logout {
  readonly type: 'logout'
  readonly sessionId: number
  readonly requestId: string
}

export interface DeleteAccount {
  readonly type: 'deleteAccount'
  readonly sessionId: number
  readonly requestId: string
  /** The account's own name once more, in NFC. */
  readonly confirmName: string
}

/** Gives the account another password and ends the session. The old password was checked before. The reply is remembered whatever the hash: a retry has another salt. */
export interface ChangePassword {
  readonly type: 'changePassword'
  readonly sessionId: number
  readonly requestId: string
  /** Salted, in the text form of its algorithm. */
  readonly passwordHash: string
}

export interface Send {
  readonly type: 'send'
  readonly sessionId: number
  readonly requestId: string
  /** In NFC; a name that is not in NFC belongs to nobody. */
  readonly to: string
  readonly text: string
}

/** Takes messages out of the caller's mailbox. Does not count as activity. */
export interface Acknowledge {
  readonly type: 'acknowledge'
  readonly sessionId: number
  readonly requestId: string
  /** This message and all before it. 0: none. */
  readonly upToSequence: number
}

/** A command of the user that only read: keeps the session alive. */
export interface Touch {
  readonly type: 'touch'
  readonly sessionId: number
}

/**
 * Housekeeping: ends sessions and forgets replies whose time has come, at most `expirePerEntry` of each kind, so that one entry never takes long. While
 * `nextExpiry()` lies in the past there is more to do.
 */
export interface Expire {
  readonly type: 'expire'
}

/** What an operator does to an account. Twice is once, but for `delete`: then there is none any more. */
export interface Administer {
  readonly type: 'administer'
  /** In NFC. */
  readonly name: string
  /** `lock`: its session ends, and nobody can log in until it is unlocked; messages still reach it. */
  readonly action: 'lock' | 'unlock' | 'delete'
}

/** What an entry of the log asks of the chat. */
export type Command =
  | CreateAccount
  | Login
  | Logout
  | DeleteAccount
  | ChangePassword
  | Send
  | Acknowledge
  | Touch
  | Expire
  | Administer

/** A command of a session that may be tried again. */
export type SessionRequest = Logout | DeleteAccount | ChangePassword | Send | Acknowledge
