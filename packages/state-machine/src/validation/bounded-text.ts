import { defaultLimits } from '../limits.ts'
import type { Reason, Refusal } from '../reply.ts'
import { utf8Length } from '../text/utf8.ts'
import { type Checked, refusal } from './checked.ts'

/** Longest password, bytes of UTF-8. */
const passwordBytes = 1_024

/** A message text: any characters, 1 to `textBytes` bytes. */
export function checkText(text: string, limits: { readonly textBytes: number } = defaultLimits): Checked {
  return textFault(text, limits) ?? { ok: true, value: text }
}

/** Why a text is refused, if it is. */
export function textFault(text: string, limits: { readonly textBytes: number }): Refusal | undefined {
  return faultOf(text, limits.textBytes, 'The message', 'invalid text')
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
  return faultOf(requestId, limits.requestIdBytes, 'The request id', 'invalid request id')
}

/** A password: any characters, 1 to 1,024 bytes. Its value is in NFC, as RFC 8265 §4.2 wants it: keyboards differ in the form they type. */
export function checkPassword(password: string): Checked {
  const fault = faultOf(password, passwordBytes, 'The password', 'invalid password')
  return fault ?? { ok: true, value: password.normalize('NFC') }
}

function faultOf(text: string, bytes: number, what: string, reason: Reason): Refusal | undefined {
  if (!text.isWellFormed())
    return refusal(reason, `${what} is no valid Unicode text. Send well-formed UTF-8.`)
  if (text === '') return refusal(reason, `${what} is empty. It must have at least one character.`)
  // A unit makes one to three bytes: most texts need no counting.
  if (text.length > bytes || (3 * text.length > bytes && utf8Length(text) > bytes)) {
    return refusal(reason, `${what} is longer than ${bytes} bytes. Shorten it.`)
  }
  return undefined
}
