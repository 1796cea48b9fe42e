import { StorageError } from '../storage-error.ts'
import { corrupt } from './storage-failure.ts'
import { checkHeader, formatVersion, headerBytes, newHeader, sealHeader } from './wire.ts'

const letters = 'CHATLOG\n'

export function segmentName(number: number): string {
  return `log-${String(number).padStart(10, '0')}.seg`
}

/** The number in the name of a segment, or null if the file is something else. */
export function segmentNumber(name: string): number | null {
  const match = /^log-(\d{10})\.seg$/.exec(name)
  return match ? Number(match[1]) : null
}

export function encodeSegmentHeader(number: number, disk: string): Buffer {
  const header = newHeader(letters)
  header.writeUInt32LE(number, 12)
  header.write(disk, 16, 'hex')
  return sealHeader(header)
}

/** Whether it is no whole header of a segment, of whichever disk, number or version. */
export function isSegmentHeaderDamaged(header: Buffer): boolean {
  return checkHeader(header, letters) === 'damaged'
}

/** Throws if it is not the header of this segment of this disk. Returns the seed of its batches' checksums. */
export function checkSegmentHeader(header: Buffer, number: number, disk: string): number {
  const name = segmentName(number)
  const version = checkHeader(header, letters)
  if (version !== 'damaged' && version !== formatVersion) {
    throw new StorageError(
      'newer format',
      `${name} has format ${version}, this software knows format ${formatVersion}: start the version that wrote it`,
    )
  }
  if (version === 'damaged' || header.readUInt32LE(12) !== number) {
    throw corrupt(`${name}: its header is damaged`, { file: name, from: null, to: null })
  }
  if (header.toString('hex', 16, 32) !== disk) {
    throw corrupt(`${name} was written for another data directory: put the right file back`, {
      file: name,
      from: null,
      to: null,
    })
  }
  return header.readUInt32LE(headerBytes - 4)
}
