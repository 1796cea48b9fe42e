import { readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import type { Entry } from '../src/index.ts'
import { FaultFileSystem } from '../src/testing/index.ts'
import { command, directory, openSample, snapshotAt, takeSnapshot } from './sample.ts'

// Files that version 1 wrote, kept for good: whatever is changed, they must stay readable. A new format gets a folder of its own beside them.

const files = new URL('golden/version-1/', import.meta.url)

function golden(): Map<string, Uint8Array> {
  return new Map(
    readdirSync(files).map((name) => [`${directory}/${name}`, readFileSync(new URL(name, files))]),
  )
}

const expected: Entry[] = [
  { index: 1, term: 1, time: 1, kind: 'view', payload: new Uint8Array([1, 2, 3]) },
  command(2, 1, 5),
  command(3, 1, 300),
  command(4, 1, 500),
  command(5, 2, 3000),
  { ...command(6, 2, 0), kind: 'noop' },
  command(7, 2, 600),
  command(8, 2, 200),
  command(9, 2, 700),
  command(10, 2, 40),
]

it('reads what version 1 wrote', async () => {
  const notices: string[] = []
  const storage = openSample(new FaultFileSystem({ image: golden(), pid: 2 }), (notice) =>
    notices.push(notice),
  )
  const state = await storage.open({ tailBytes: 1_000_000 })
  expect(state).toEqual({
    identity: { replicaId: 1, disk: '42201141dda9c6128947bdf7892acf96', incarnation: 2 },
    hardState: { term: 2, votedFor: null, clusterId: 'cluster' },
    snapshot: { ...snapshotAt(5, 2), bytes: 13 },
    before: { index: 0, term: 0 },
    last: { index: 10, term: 2 },
    termStarts: [
      { index: 1, term: 1 },
      { index: 5, term: 2 },
    ],
    views: [expected[0]],
    tail: expected,
  })
  const parts: Uint8Array[] = []
  for await (const part of storage.readSnapshot(0)) parts.push(part)
  expect(Buffer.concat(parts).toString()).toBe('state at five')
  expect(notices).toEqual([])
  await storage.close()
})

it('writes what version 1 wrote, byte for byte', async () => {
  const image = golden()
  const [segment, snapshot] = ['log-0000000003.seg', 'snapshot-0000000000000005-2.snap'].map(
    (name) => `${directory}/${name}`,
  )
  const whole = Buffer.from(image.get(segment ?? '') ?? [])
  // Without its last batch (entry 10: 64 bytes of header, 24 + 40 of record, 4 of end mark) the log is as it was before that call.
  const end = whole.findLastIndex((byte) => byte !== 0) + 1
  const before = new Map([...image, [segment ?? '', Uint8Array.from(whole).fill(0, end - 132)]])
  const fileSystem = new FaultFileSystem({ image: before, pid: 2 })
  const storage = openSample(fileSystem)
  await storage.open({ tailBytes: 0 })
  await storage.persist({ entries: [command(10, 2, 40)] })
  await takeSnapshot(storage, snapshotAt(5, 2), 'state at five')
  const after = fileSystem.image('durable')
  expect(
    Buffer.from(after.get(snapshot ?? '') ?? []).equals(Buffer.from(image.get(snapshot ?? '') ?? [])),
  ).toBe(true)
  const batch = Buffer.from(after.get(segment ?? '') ?? []).subarray(end - 132, end)
  // The header names the state it was written after, and that has gone on by one opening: the rest is the same.
  const [found, wanted] = [batch, whole.subarray(end - 132, end)].map((each) =>
    Buffer.concat([each.subarray(0, 4), each.subarray(8, 48), each.subarray(52)]),
  )
  expect(found?.equals(wanted ?? Buffer.alloc(0))).toBe(true)
  await storage.close()
})
