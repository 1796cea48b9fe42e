import type { Socket } from 'node:net'

/**
 * What a replica says of a connection that carries its link: a setting of its own, among those that open every HTTP/2 connection. Its id is one of those left for experiments
 * (RFC 7540, section 11.3), and who does not know it passes over it (RFC 9113, section 6.5.2).
 */
export const linkSetting = 0xf1c4

/** With which every client begins (RFC 9113, section 3.4); a SETTINGS frame follows. */
const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
const frameHeaderBytes = 9
const settingsType = 4
const settingBytes = 6
/** Settings are a handful. */
const longestSettings = 64 * settingBytes

/** What a connection carries, by its first bytes; null if they are too few to tell. */
export function readOpening(bytes: Buffer): 'link' | 'other' | null {
  const known = Math.min(bytes.length, preface.length)
  if (bytes.compare(preface, 0, known, 0, known) !== 0) return 'other'
  const at = preface.length + frameHeaderBytes
  if (bytes.length < at) return null
  const length = bytes.readUIntBE(preface.length, 3)
  if (bytes[preface.length + 3] !== settingsType || length > longestSettings) return 'other'
  if (bytes.length < at + length) return null
  for (let setting = at; setting + settingBytes <= at + length; setting += settingBytes)
    if (bytes.readUInt16BE(setting) === linkSetting) return 'link'
  return 'other'
}

/** Looks at the first bytes of a connection, and leaves them there for who takes it. Without enough of them within `withinMs` it is closed. */
export function whenOpened(
  connection: Socket,
  withinMs: number,
  opened: (what: 'link' | 'other') => void,
): void {
  let seen = Buffer.alloc(0)
  let judgement: NodeJS.Immediate | undefined
  const timer = setTimeout(() => {
    // After a stall of this process the bytes may already wait in the socket: read before judging.
    judgement = setImmediate(() => connection.destroy())
  }, withinMs)
  const inTime = (): void => {
    clearTimeout(timer)
    clearImmediate(judgement)
  }
  const look = (): void => {
    const chunk: unknown = connection.read()
    if (!Buffer.isBuffer(chunk)) return
    seen = Buffer.concat([seen, chunk])
    const what = readOpening(seen)
    if (what === null || connection.destroyed) return
    inTime()
    connection.off('readable', look)
    connection.unshift(seen)
    seen = Buffer.alloc(0)
    opened(what)
  }
  connection.on('readable', look)
  connection.on('close', inTime)
  // Of a connection that breaks before anybody has taken it nobody has to hear.
  connection.on('error', () => {})
}
