import { type CreateAccount, type Login, tokenHashBytes } from '../command.ts'
import type { ChatLimits } from '../limits.ts'
import type { LoggedRequest } from '../logged-command.ts'
import type { Refusal } from '../reply.ts'
import { bytesOf } from '../text/text-bytes.ts'
import { requestIdFault, requestIdSizeFault, textSizeFault } from '../validation/bounded-text.ts'
import { refusal } from '../validation/checked.ts'

/**
 * What may not enter the state, whoever proposed it. These are bounds on sizes only: which characters a name may have is decided before a command is proposed, because
 * Unicode's tables differ between versions of Node and replicas must not.
 */
export function outOfBounds(
  command: CreateAccount | Login | LoggedRequest,
  limits: ChatLimits,
): Refusal | undefined {
  // It was decoded from valid UTF-8 of a known length.
  if (command.type === 'send')
    return requestIdSizeFault(command.requestIdBytes, limits) ?? textSizeFault(bytesOf(command), limits)
  const fault = requestIdFault(command.requestId, limits)
  if (fault !== undefined) return fault
  switch (command.type) {
    case 'createAccount':
      return createAccountOutOfBounds(command, limits)
    case 'login':
      return loginOutOfBounds(command, limits)
    case 'changePassword':
      return hashOutOfBounds(command.passwordHash, limits)
    default:
      return undefined
  }
}

function createAccountOutOfBounds(
  { name, passwordHash }: CreateAccount,
  limits: ChatLimits,
): Refusal | undefined {
  // A code point is one or two units.
  if (name === '' || name.length > 2 * limits.nameCodePoints) {
    return refusal('invalid name', `An account name must have 1 to ${limits.nameCodePoints} characters.`)
  }
  return hashOutOfBounds(passwordHash, limits)
}

function hashOutOfBounds(passwordHash: string, limits: ChatLimits): Refusal | undefined {
  if (passwordHash === '' || passwordHash.length > limits.passwordHashUnits) {
    return refusal(
      'invalid argument',
      `A password hash must have 1 to ${limits.passwordHashUnits} characters.`,
    )
  }
  return undefined
}

function loginOutOfBounds({ tokenHash, idleTimeoutMs }: Login, limits: ChatLimits): Refusal | undefined {
  if (tokenHash.length !== tokenHashBytes) {
    return refusal('invalid argument', `A token hash must have ${tokenHashBytes} bytes.`)
  }
  if (idleTimeoutMs < 1 || idleTimeoutMs > limits.idleTimeoutMs) {
    return refusal('invalid argument', `An idle timeout must be 1 to ${limits.idleTimeoutMs} milliseconds.`)
  }
  return undefined
}
