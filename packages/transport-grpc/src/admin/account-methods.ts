import { type handleUnaryCall, status } from '@grpc/grpc-js'
import type { CallOrigin } from '../credentials.ts'
import {
  AccountAction,
  type AdministerAccountRequest,
  type AdministerAccountResponse,
  type ListAccountsRequest,
  type ListAccountsResponse,
  type ReadMailboxRequest,
  type ReadMailboxResponse,
} from '../gen/chatroom/admin/v1/admin_service.ts'
import { type Answer, Unoffered } from './answer.ts'

/** An account, without anything secret. */
export interface AdministeredAccount {
  readonly name: string
  readonly accountId: number
  readonly locked: boolean
  /** Messages in the mailbox. */
  readonly waiting: number
  /** Bytes of their texts, UTF-8. */
  readonly waitingBytes: number
}

/** A message that waits. */
export interface MailboxMessage {
  /** Place in the mailbox: from 1, counting up by 1. */
  readonly sequence: number
  readonly messageId: string
  readonly from: string
  readonly text: string
  /** Milliseconds since 1970. */
  readonly sentAtMs: number
}

/** What an operator may do with the accounts of the service that a replica carries. Each rejects with a `ReplicaError` where the replica does not lead. */
export interface AccountAdministration {
  /** At most `limit`, in the order of their names. */
  list(prefix: string, after: string, limit: number): Promise<AdministeredAccount[]>
  /** False: there is no such account. */
  administer(name: string, action: AccountChange): Promise<boolean>
  /** A page of what waits; null: there is no such account. */
  mailbox(name: string, afterSequence: number): Promise<MailboxMessage[] | null>
}

export type AccountChange = 'lock' | 'unlock' | 'delete'

export const accountActions: Record<AccountChange, AccountAction> = {
  lock: AccountAction.ACCOUNT_ACTION_LOCK,
  unlock: AccountAction.ACCOUNT_ACTION_UNLOCK,
  delete: AccountAction.ACCOUNT_ACTION_DELETE,
}

/** Accounts in one answer. */
const accountsAtOnce = 1_000

/** There is no account of this name. */
class NoAccount extends Error {
  readonly grpcStatus: status = status.NOT_FOUND
  constructor(name: string) {
    super(`there is no account named ${JSON.stringify(name)}`)
  }
}

export interface AccountMethods {
  readonly listAccounts: handleUnaryCall<ListAccountsRequest, ListAccountsResponse>
  readonly administerAccount: handleUnaryCall<AdministerAccountRequest, AdministerAccountResponse>
  readonly readMailbox: handleUnaryCall<ReadMailboxRequest, ReadMailboxResponse>
}

/** `answer` turns what is thrown into a status; `allow` throws for strangers. */
export function accountMethods(
  accounts: AccountAdministration | undefined,
  allow: (call: CallOrigin) => void,
  answer: Answer,
): AccountMethods {
  const offered = (): AccountAdministration => {
    if (accounts === undefined) throw new Unoffered('this replica administers no accounts')
    return accounts
  }
  return {
    listAccounts: (call, callback) =>
      answer(async () => {
        allow(call)
        const { prefix, after, limit } = call.request
        const most = Math.min(limit === 0 ? accountsAtOnce : limit, accountsAtOnce)
        return { accounts: await offered().list(prefix, after, most) }
      }, callback),
    administerAccount: (call, callback) =>
      answer(async () => {
        allow(call)
        const { name, action } = call.request
        if (!(await offered().administer(name, changeOf(action)))) throw new NoAccount(name)
        return {}
      }, callback),
    readMailbox: (call, callback) =>
      answer(async () => {
        allow(call)
        const { name, afterSequence } = call.request
        const messages = await offered().mailbox(name, afterSequence)
        if (messages === null) throw new NoAccount(name)
        return { messages }
      }, callback),
  }
}

function changeOf(action: AccountAction): AccountChange {
  if (action === accountActions.lock) return 'lock'
  if (action === accountActions.unlock) return 'unlock'
  if (action === accountActions.delete) return 'delete'
  throw new Unoffered(`this replica knows no action ${action} on an account: use the tools of its version`)
}
