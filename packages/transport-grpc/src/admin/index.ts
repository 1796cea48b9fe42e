/** The admin plane: what an operator's tools ask a replica on its peer port. */
export { TransportError, type TransportErrorCode } from '../errors.ts'
export type {
  AccountAdministration,
  AccountChange,
  AdministeredAccount,
  MailboxMessage,
} from './account-methods.ts'
export { type AdminCallOptions, type AdminClient, connectAdmin } from './admin-client.ts'
export { type Administered, adminService, type StateHash } from './admin-service.ts'
export { operatorCredentials } from './operator-credentials.ts'
