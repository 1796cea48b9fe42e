import { defaultLimits } from '../limits.ts'
import type { Reason, Refusal } from '../reply.ts'
import { utf8Length } from '../text/utf8.ts'
import { type Checked, refusal } from './checked.ts'

/** Longest password, bytes of UTF-8. */
const passwordBytes = 1_024

/** What a text is: the words for it at the head of a sentence, and the reason to refuse it. */
interface Kind {
  readonly what: string
  readonly reason: Reason
}

const ofTexts: Kind = { what: 'The message', reason: 'invalid text' }
const ofRequestIds: Kind = { what: 'The request id', reason: 'invalid request id' }
const ofPasswords: Kind = { what: 'The password', reason: 'invalid password' }

/** A message text: any characters, 1 to `textBytes` bytes. */
export function checkText(text: string, limits: { readonly textBytes: number } = defaultLimits): Checked {
  return faultOf(text, limits.textBytes, ofTexts) ?? { ok: true, value: text }
}

/** Why a text of so many bytes is refused, if it is. */
export function textSizeFault(bytes: number, limits: { readonly textBytes: number }): Refusal | undefined {
  return sizeFaultOf(bytes, limits.textBytes, ofTexts)
}

/** A request id: any characters, 1 to `requestIdBytes` bytes. */
export function checkRequestId(
  requestId: string,
  limits: { readonly requestIdBytes: number } = defaultLimits,
): Checked {
  return requestIdFault(requestId, limits) ?? { ok: true, value: requestId }
}

/** Why a request id is refused, if it is. */
export function requestIdFault(
  requestId: string,
  limits: { readonly requestIdBytes: number },
): Refusal | undefined {
  return faultOf(requestId, limits.requestIdBytes, ofRequestIds)
}

/** Why a request id of so many bytes is refused, if it is. */
export function requestIdSizeFault(
  bytes: number,
  limits: { readonly requestIdBytes: number },
): Refusal | undefined {
  return sizeFaultOf(bytes, limits.requestIdBytes, ofRequestIds)
}

/** A password: any characters, 1 to 1,024 bytes. Its value is in NFC, as RFC 8265 §4.2 wants it: keyboards differ in the form they type. */
export function checkPassword(password: string): Checked {
  const fault = faultOf(password, passwordBytes, ofPasswords)
  return fault ?? { ok: true, value: password.normalize('NFC') }
}

function faultOf(text: string, limit: number, kind: Kind): Refusal | undefined {
  if (!text.isWellFormed())
    return refusal(kind.reason, `${kind.what} is no valid Unicode text. Send well-formed UTF-8.`)
  // A unit makes one to three bytes: most texts need no counting.
  const { length } = text
  return sizeFaultOf(length > limit || 3 * length <= limit ? length : utf8Length(text), limit, kind)
}

/** `bytes`: how many there are, or fewer as long as that makes no difference. */
function sizeFaultOf(bytes: number, limit: number, { what, reason }: Kind): Refusal | undefined {
  if (bytes === 0) return refusal(reason, `${what} is empty. It must have at least one character.`)
  if (bytes > limit) return refusal(reason, `${what} is longer than ${limit} bytes. Shorten it.`)
  return undefined
}
