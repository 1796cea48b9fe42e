import type { ServiceContext } from './context.ts'
import { ChatFailure } from './failure.ts'
import { networkOf } from './login-attempts.ts'
import type { Asker } from './ports.ts'
import type { Caller } from './unary.ts'

/**
 * Resolves if the password is that of the account, within the limit of attempts. Throws WRONG_CREDENTIALS, TOO_MANY_ATTEMPTS, or why it was not looked at.
 * @param stored null: there is no such account, which nobody is to notice
 */
export async function checkedPassword(
  context: Pick<ServiceContext, 'attempts' | 'passwords'>,
  name: string,
  stored: string | null,
  password: string,
  caller: Caller,
): Promise<void> {
  const attempt = context.attempts.begin(name, caller.peer())
  let fits = true
  try {
    fits = await context.passwords.verify(stored, password, askerOf(caller))
  } finally {
    // Also if it could not be verified: then nobody learned anything.
    if (fits) attempt.forgive()
  }
  if (!fits) throw wrongCredentials()
}

/** For whom a password is hashed: callers of one network share one line. */
export function askerOf(caller: Caller): Asker {
  return { from: networkOf(caller.peer()), signal: caller.departure() }
}

/** The same words for an account that is not there and a password that is wrong. */
export function wrongCredentials(): ChatFailure {
  return new ChatFailure('WRONG_CREDENTIALS', 'Unknown account or wrong password.')
}
