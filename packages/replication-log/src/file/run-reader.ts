import type { Entry } from '../entry.ts'
import { StorageError } from '../storage-error.ts'
import { batchHeaderBytes, decodeBatchHeader, isBodyWhole, visitRecords } from './batch.ts'
import type { Run } from './log-index.ts'
import type { Segment } from './segment-files.ts'

/** A run that is about to be read; its segment stays open meanwhile. */
export interface PinnedRun {
  readonly run: Run
  readonly segment: Segment
  /** Entries from here on are void in this run. */
  readonly limit: number
}

/** The entries of a run, checked. Payloads share one buffer. */
export async function readRun({ run, segment, limit }: PinnedRun): Promise<Entry[]> {
  const length = run.end - run.offset
  const buffer = Buffer.allocUnsafeSlow(length)
  let got = 0
  try {
    got = await segment.file.read(buffer, length, run.offset)
  } catch (error) {
    throw damaged(segment.name, run.index, limit - 1, run.offset, error)
  }
  const entries: Entry[] = []
  let at = 0
  while (at < length) {
    const header = decodeBatchHeader(buffer, at, got, run.offset + at, segment.seed)
    const body = at + batchHeaderBytes
    if (!header || !isBodyWhole(buffer, body, got, header)) {
      const from = header?.first ?? (entries.at(-1)?.index ?? run.index - 1) + 1
      throw damaged(
        segment.name,
        from,
        header ? Math.min(limit, header.first + header.count) - 1 : limit - 1,
        run.offset + at,
      )
    }
    visitRecords(buffer, body, header, (index, term, kind, time, payloadStart, payloadEnd) => {
      if (index >= limit) return false
      if (index >= run.index) {
        const payload = new Uint8Array(
          buffer.buffer,
          buffer.byteOffset + payloadStart,
          payloadEnd - payloadStart,
        )
        entries.push({ index, term, time, kind, payload })
      }
      return true
    })
    at = body + header.bodyBytes
  }
  return entries
}

function damaged(file: string, from: number, to: number, at: number, cause?: unknown): StorageError {
  return new StorageError(
    'corrupt',
    `${file}: damaged at byte ${at}; entries ${from} to ${to} cannot be read`,
    {
      damage: { file, from, to },
      cause,
    },
  )
}
