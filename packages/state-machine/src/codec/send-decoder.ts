import { fingerprintOfSend } from '../apply/fingerprint.ts'
import type { LoggedSend } from '../logged-command.ts'
import { decodeUtf8 } from '../text/utf8.ts'
import { readVarint } from './varint.ts'

/** Tag of `Command.send`: a field of bytes. */
const sendTag = 0x2a

/**
 * Decodes a `Command` that holds a `Send` and nothing else, in the form that `SendEncoder` and the generated code give it. Undefined for all else, be it another
 * command, a later version's or damaged bytes: the generated code is to judge it. What this decodes, the generated code decodes alike.
 */
export function decodeSend(payload: Uint8Array): LoggedSend | undefined {
  if (payload[0] !== sendTag) return undefined
  const place = { at: 1 }
  const length = readVarint(payload, place)
  if (length < 0 || length !== payload.length - place.at) return undefined
  let sessionId = 0
  let requestId = ''
  let requestIdBytes = 0
  let to = ''
  let textAt = 0
  let textEnd = 0
  while (place.at < payload.length) {
    const tag = payload[place.at++]
    const value = readVarint(payload, place)
    if (value < 0) return undefined
    if (tag === 0x08) {
      sessionId = value
      continue
    }
    const end = place.at + value
    if (end > payload.length) return undefined
    if (tag === 0x22 && textEnd === 0) {
      textAt = place.at
      textEnd = end
      place.at = end
      continue
    }
    const found = decodeUtf8(payload, place.at, end)
    place.at = end
    if (found === undefined) return undefined
    if (tag === 0x12) {
      requestId = found
      requestIdBytes = value
    } else if (tag === 0x1a) to = found
    else return undefined
  }
  const fingerprint = fingerprintOfSend(to, payload, textAt, textEnd)
  if (fingerprint === undefined) return undefined
  return {
    type: 'send',
    sessionId,
    requestId,
    requestIdBytes,
    to,
    source: payload,
    textAt,
    textEnd,
    fingerprint,
  }
}
