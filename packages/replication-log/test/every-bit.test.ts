import { isDeepStrictEqual } from 'node:util'
import { expect, it } from 'vitest'
import { LogScan } from '../src/file/log-scan.ts'
import { isSnapshotWhole, readSnapshotEnds } from '../src/file/snapshot-format.ts'
import { readState, type StateOnDisk } from '../src/file/state-files.ts'
import { StorageError } from '../src/index.ts'
import { type DiskImage, FaultFileSystem } from '../src/testing/index.ts'
import { directory, sample } from './sample.ts'

// Each of the eight bits of each byte of each file, where a look at that file alone is enough: whole files and their opening are in corruption.test.ts, with fewer bits.

function files(image: DiskImage, end: string): [path: string, content: Uint8Array][] {
  return [...image].filter(([path]) => path.endsWith(end)).sort(([a], [b]) => (a < b ? -1 : 1))
}

/** Calls `look` with each bit flipped in its turn, in the same bytes. */
async function eachBit(content: Uint8Array, look: (at: number, bit: number) => unknown): Promise<void> {
  for (let at = 0; at < content.length; at++)
    for (let bit = 0; bit < 8; bit++) {
      content[at] = (content[at] ?? 0) ^ (1 << bit)
      await look(at, bit)
      content[at] = (content[at] ?? 0) ^ (1 << bit)
    }
}

async function stateOf(image: DiskImage): Promise<StateOnDisk> {
  const found = await readState(new FaultFileSystem({ image, pid: 3 }), directory, 1)
  if (found === null) throw new Error('there is no state')
  return found
}

it('of the log is found; behind its end one means nothing, and is cut off or found', {
  timeout: 120_000,
}, async () => {
  const image = await sample('closed')
  const { disk, state } = await stateOf(image)
  const segments = files(image, '.seg').map(([, content]) => Buffer.from(content))
  const missed: string[] = []
  const whole = scanned()
  function scanned(): LogScan | null {
    const scan = new LogScan(disk, state.durable)
    try {
      for (const [at, content] of segments.entries()) scan.addSegment(at + 1, content, content.length)
      scan.finish(state.sequence)
      return scan
    } catch (error) {
      if (error instanceof StorageError) return null
      throw error
    }
  }
  expect(whole?.torn).toBe(false)
  for (const [number, content] of segments.entries())
    await eachBit(content, (at, bit) => {
      const scan = scanned()
      if (scan === null) return
      const behind = number === segments.length - 1 && at >= state.durable.offset
      if (!behind || !scan.torn || !isDeepStrictEqual(scan.end, whole?.end))
        missed.push(`bit ${bit} of byte ${at} of segment ${number + 1}`)
    })
  expect(missed).toEqual([])
})

it('of a snapshot is found', async () => {
  const image = await sample('closed')
  const missed: string[] = []
  for (const [path, original] of files(image, '.snap')) {
    const content = Uint8Array.from(original)
    const name = path.slice(directory.length + 1)
    const isWhole = async (): Promise<boolean> => {
      const file = await new FaultFileSystem({ image: new Map([[path, content]]), pid: 3 }).open(path, 'read')
      const ends = await readSnapshotEnds(file, name)
      return ends !== null && (await isSnapshotWhole(file, ends))
    }
    missed.push(...((await isWhole()) ? [] : [`${name} as it was`]))
    await eachBit(content, async (at, bit) => {
      if (await isWhole().catch((error: unknown) => !(error instanceof StorageError)))
        missed.push(`bit ${bit} of byte ${at} of ${name}`)
    })
  }
  expect(missed).toEqual([])
})

it('of one copy of the state changes nothing', async () => {
  const image = await sample('closed')
  const { damaged: _, ...whole } = await stateOf(image)
  const wrong: string[] = []
  for (const [path, original] of files(image, 'state-a')) {
    const content = Uint8Array.from(original)
    const damaged = new Map([...image, [path, content]])
    await eachBit(content, async (at, bit) => {
      // Zeros between the header and the slots mean nothing.
      if ((at >= 64 && at < 4096) || (at >= 4096 + 512 && at < 8192)) return
      const { damaged: parts, ...state } = await stateOf(damaged)
      if (!isDeepStrictEqual(state, whole) || parts.length > 1) wrong.push(`bit ${bit} of byte ${at}`)
    })
  }
  expect(wrong).toEqual([])
})
