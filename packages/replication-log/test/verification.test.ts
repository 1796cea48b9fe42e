import { describe, expect, it } from 'vitest'
import { readDirectory, verifyDirectory } from '../src/file/index.ts'
import { type DiskImage, FaultFileSystem } from '../src/testing/index.ts'
import { readAll } from './recorded-storage.ts'
import { directory, openSample, sample } from './sample.ts'

function flipped(
  image: DiskImage,
  places: readonly (readonly [path: string, offset: number])[],
): FaultFileSystem {
  const copy = new Map([...image].map(([path, content]) => [path, Uint8Array.from(content)]))
  for (const [path, offset] of places) {
    const content = copy.get(`${directory}/${path}`)
    if (!content) throw new Error(`no file ${path}`)
    content[offset] = (content[offset] ?? 0) ^ 8
  }
  return new FaultFileSystem({ image: copy, pid: 7 })
}

const first = 'log-0000000001.seg'
const second = 'log-0000000002.seg'

describe('verifying a directory', () => {
  it('finds nothing in a whole one, and changes nothing', async () => {
    const image = await sample('closed')
    const fileSystem = new FaultFileSystem({ image, pid: 7 })
    expect(await verifyDirectory(directory, fileSystem)).toMatchObject({
      replicaId: 1,
      clusterId: 'cluster',
      last: { index: 10, term: 2 },
      damaged: [],
      notices: [],
      endIsKnown: true,
    })
    expect(fileSystem.operations).toEqual([])
  })

  it('claims no more than the files tell: after a power cut the last write may be gone without a trace', async () => {
    const image = await sample('power cut')
    const path = `${directory}/log-0000000003.seg`
    const content = Buffer.from(image.get(path) ?? [])
    const batch = content.lastIndexOf(Buffer.from([0xb1, 0x4c, 0x4f, 0x47]))
    for (const [end, last] of [
      [content.length, 10],
      [batch, 9],
    ] as const) {
      const cut = new Map([...image, [path, Uint8Array.from(content.subarray(0, end))]])
      const report = await verifyDirectory(directory, new FaultFileSystem({ image: cut, pid: 7 }))
      expect(report).toMatchObject({ last: { index: last }, damaged: [], endIsKnown: false })
    }
  })

  it('knows the end again when a replica that was killed was started and stopped in order, and only until it is started', async () => {
    const fileSystem = new FaultFileSystem({ image: await sample('power cut'), pid: 7 })
    const storage = openSample(fileSystem)
    await storage.open({ tailBytes: 0 })
    const running = new Map([...fileSystem.image('durable')].filter(([path]) => !path.includes('lock-')))
    const opened = await verifyDirectory(directory, new FaultFileSystem({ image: running, pid: 8 }))
    expect(opened.endIsKnown).toBe(false)
    await storage.close()
    expect((await verifyDirectory(directory, fileSystem)).endIsKnown).toBe(true)
  })

  it('finds whatever is cut off or zeroed after a stop in order', async () => {
    const image = await sample('closed')
    const path = `${directory}/log-0000000003.seg`
    const content = Buffer.from(image.get(path) ?? [])
    const end = content.lastIndexOf(Buffer.from([0xb4, 0xc5, 0xd6, 0xe7])) + 4
    for (const from of [end - 1, end - 200, 64]) {
      const zeroed = Buffer.from(content).fill(0, from, end)
      for (const damaged of [zeroed, content.subarray(0, from)]) {
        const lost = new Map([...image, [path, Uint8Array.from(damaged)]])
        const report = await verifyDirectory(directory, new FaultFileSystem({ image: lost, pid: 7 }))
        expect(report.damaged).not.toEqual([])
      }
    }
  })

  it('tells all that is damaged, not only the first', async () => {
    const image = await sample('closed')
    const snapshot =
      [...image.keys()]
        .filter((path) => path.endsWith('.snap'))
        .sort()
        .at(-1) ?? ''
    const fileSystem = flipped(image, [
      [first, 10],
      [first, 64 + 70],
      [first, 580 + 80],
      [second, 64 + 100],
      ['state-b', 20],
      [snapshot.slice(directory.length + 1), 150],
    ])
    const { damaged } = await verifyDirectory(directory, fileSystem)
    expect(damaged.map(({ file, from, to }) => [file, from, to])).toEqual([
      ['state-b', null, null],
      [first, null, null],
      [first, 1, 2],
      [first, 4, 5],
      [second, 5, 5],
      [snapshot.slice(directory.length + 1), null, null],
    ])
    expect(fileSystem.operations).toEqual([])
  })

  it('tells a torn end from damage', async () => {
    const image = await sample('power cut')
    const path =
      [...image.keys()]
        .filter((each) => each.endsWith('.seg'))
        .sort()
        .at(-1) ?? ''
    const content = image.get(path) ?? new Uint8Array(0)
    const used = content.findLastIndex((byte) => byte !== 0) + 1
    const cut = new Map([...image, [path, content.subarray(0, used - 10)] as const])
    const fileSystem = new FaultFileSystem({ image: cut, pid: 7 })
    const { damaged, notices } = await verifyDirectory(directory, fileSystem)
    expect([damaged, notices.length]).toEqual([[], 1])
  })

  it('refuses a directory in use, one that is not there, and one that is none', async () => {
    const fileSystem = new FaultFileSystem()
    const storage = openSample(fileSystem)
    await storage.open({ tailBytes: 0 })
    await expect(verifyDirectory(directory, fileSystem)).rejects.toMatchObject({ code: 'locked' })
    await storage.close()
    await fileSystem.makeDirectory('/empty')
    for (const place of ['/nowhere', '/empty'])
      await expect(verifyDirectory(place, fileSystem)).rejects.toMatchObject({ code: 'unreadable' })
  })
})

describe('reading a directory', () => {
  it('gives what an opening would, and changes nothing', async () => {
    const image = await sample('closed')
    const expected = await readAll(openSample(new FaultFileSystem({ image, pid: 8 })))
    const fileSystem = new FaultFileSystem({ image, pid: 7 })
    const found = await readDirectory(directory, fileSystem)
    const entries = []
    for await (const entry of found.entries(0, Number.MAX_SAFE_INTEGER)) entries.push(entry)
    expect(entries).toEqual(expected.entries)
    const some = []
    for await (const { index } of found.entries(4, 6)) some.push(index)
    expect(some).toEqual([4, 5, 6])
    const parts = []
    for await (const part of found.newestSnapshot()) parts.push(Buffer.from(part))
    expect(Buffer.concat(parts).toString()).toBe(expected.snapshot?.bytes)
    expect(fileSystem.operations).toEqual([])
  })

  it('refuses a damaged one', async () => {
    const fileSystem = flipped(await sample('closed'), [[first, 64 + 70]])
    await expect(readDirectory(directory, fileSystem)).rejects.toMatchObject({ code: 'corrupt' })
  })
})
