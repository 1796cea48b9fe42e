/** The first bytes of a payload are its id, ASCII. */
export const idBytes = 24

let serial = 0
const run = `${process.pid.toString(36)}-${Date.now().toString(36)}`

/** A text of so many bytes that begins with an id that no other one has. */
export function uniquePayload(bytes: number): Buffer {
  const payload = Buffer.alloc(Math.max(bytes, idBytes), 'x')
  payload.write(`${run}-${(serial++).toString(36)}`.padEnd(idBytes, '.'), 'latin1')
  return payload
}

export function idOf(payload: Buffer): string {
  return payload.toString('latin1', 0, idBytes)
}
