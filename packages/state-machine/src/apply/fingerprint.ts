import type { CreateAccount, Login } from '../command.ts'
import type { LoggedRequest } from '../logged-command.ts'
import { Digest } from '../text/digest.ts'
import { decodeUtf8 } from '../text/utf8.ts'

/** How the digest of each send begins, and how it goes on for the recipient that was last: people write to one and the same several times. */
const ofSends = new Digest().text('send')
const ofSendsToLast = new Digest()
let lastTo: string | null = null
/** Begun anew for each send. */
const digest = new Digest()

/**
 * What a request says, as a number, so that a request id used for another request is noticed. It leaves out what differs between tries of one request: the salted
 * password hash, the token, the account that the password was checked against, the lifetime that this leader gives. And it leaves out what the request is remembered under.
 */
export function fingerprintOf(command: CreateAccount | Login | LoggedRequest): number {
  if (command.type === 'send') return command.fingerprint
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
    case 'acknowledge':
      digest.number(command.upToSequence)
      break
  }
  return digest.toNumber()
}

/** The same of a send whose text lies in `source`; undefined if that is no UTF-8, which is looked at on the way. */
export function fingerprintOfSend(
  to: string,
  source: Uint8Array,
  textAt: number,
  textEnd: number,
): number | undefined {
  if (to !== lastTo) {
    // Of nobody, should what follows throw.
    lastTo = null
    ofSendsToLast.beginAs(ofSends).text(to)
    lastTo = to
  }
  if (digest.beginAs(ofSendsToLast).ascii(source, textAt, textEnd)) return digest.toNumber()
  const units = decodeUtf8(source, textAt, textEnd)
  return units === undefined ? undefined : digest.beginAs(ofSendsToLast).text(units).toNumber()
}
