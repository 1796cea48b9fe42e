/** Records in one message: two bytes of length before each. */
export function joinRecords(records: readonly Buffer[]): Buffer {
  return Buffer.concat(
    records.flatMap((record) => {
      const length = Buffer.alloc(2)
      length.writeUInt16BE(record.length)
      return [length, record]
    }),
  )
}

export function countRecords(message: Buffer): number {
  let count = 0
  for (let at = 0; at < message.length; at += 2 + message.readUInt16BE(at)) count++
  return count
}
