import type { CreateAccount, Login, SessionRequest } from '../command.ts'
import { Digest } from '../text/digest.ts'

/**
 * What a request says, as a number, so that a request id used for another request is noticed. It leaves out what differs between tries of one request: the salted
 * password hash, the token, the account that the password was checked against, the lifetime that this leader gives. And it leaves out what the request is remembered under.
 */
export function fingerprintOf(command: CreateAccount | Login | SessionRequest): number {
  const digest = new Digest().text(command.type)
  switch (command.type) {
    case 'createAccount':
    case 'changePassword':
    case 'logout':
      break
    case 'login':
      digest.number(command.takeover ? 1 : 0).number(command.idleTimeoutMs)
      break
    case 'deleteAccount':
      digest.text(command.confirmName)
      break
    case 'send':
      digest.text(command.to).text(command.text)
      break
    case 'acknowledge':
      digest.number(command.upToSequence)
      break
  }
  return digest.toNumber()
}
