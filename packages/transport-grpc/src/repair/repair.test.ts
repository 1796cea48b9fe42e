import { isDeepStrictEqual } from 'node:util'
import { type Authority, createAuthority, issueForOperator, issueForReplica } from '@chatroom/certificates'
import type { EntrySource } from '@chatroom/replica'
import { helloOf, TransportRecorder } from '@chatroom/replica/testing'
import { type Entry, type EntryCopy, StorageError } from '@chatroom/replication-log'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { removeFiles, writeFiles } from '../../test/certified.ts'
import { freePorts } from '../../test/ports.ts'
import {
  type Certificates,
  createEntrySource,
  createGrpcTransport,
  createPeerTls,
  type EntryKeeper,
  openCertificates,
  repairService,
} from '../index.ts'

const host = '127.0.0.1'
const month = { days: 30 }
const kinds = ['view', 'command', 'noop'] as const

const entries: Entry[] = Array.from({ length: 40 }, (_, at) => ({
  index: at + 1,
  term: 1 + Math.floor(at / 15),
  time: 1_764_000_000_000 + at,
  kind: kinds[at % 3] ?? 'noop',
  payload: new Uint8Array(at * 1000).fill(at),
}))

const info = {
  index: 7,
  term: 2,
  time: 1_764_000_000_000,
  view: new Uint8Array([1, 2, 3]),
  viewPosition: { index: 5, term: 1 },
}
const chunks = [new Uint8Array(200_000).fill(1), new Uint8Array(0), new Uint8Array(3).fill(2)]

async function* asyncly(
  items: readonly Uint8Array[],
  end: () => void = () => undefined,
): AsyncGenerator<Uint8Array, void, void> {
  yield* items
  end()
}

const holder = { id: 0, disk: 'zero', term: 4, leads: true, admitted: false, lastIndex: 41 }

const keeper: EntryKeeper = {
  clusterId: 'cluster',
  holder,
  snapshot: async () => ({
    clusterId: 'cluster',
    info: { ...info, bytes: 200_003 },
    chunks: asyncly(chunks),
  }),
  read: async (from, maxBytes) => {
    if (from <= 3) throw new StorageError('compacted', `entry ${from} was given up`)
    let bytes = 0
    return entries.slice(from - 1).filter(({ payload }, at) => {
      bytes += 64 + payload.length
      return at === 0 || bytes <= maxBytes
    })
  },
}

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
  removeFiles()
})

/** Replica 0 of two, answering from `kept`. */
async function serve(kept: () => EntryKeeper, certificates?: Certificates): Promise<number> {
  const credentials = certificates && createPeerTls({ certificates, refused: () => undefined })
  const trust = credentials === undefined ? {} : { credentials }
  const transport = createGrpcTransport({
    id: 0,
    listen: { host, port: 0 },
    peers: new Map(),
    services: [repairService(kept, { peers: [1], ...trust })],
    ...trust,
  })
  closers.push(() => transport.stop())
  await transport.start(new TransportRecorder(helloOf(0)))
  return transport.address?.port ?? 0
}

async function source(kept: () => EntryKeeper): Promise<EntrySource> {
  return createEntrySource({ id: 0, address: { host, port: await serve(kept) } })
}

/** Something that happens once. */
function signal(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => undefined
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve }
}

/** As comparing with `toEqual`, but fast for bytes. */
function isCopyOf(expected: readonly Entry[], { clusterId, entries: found }: EntryCopy): boolean {
  return clusterId === 'cluster' && isDeepStrictEqual(found, expected)
}

const patient = new AbortController().signal

describe('entries for a replica that lost some', () => {
  test('come as they are, those that were asked for', async () => {
    const from = await source(() => keeper)
    expect(isCopyOf(entries.slice(3, 39), await from.fetch({ from: 4, to: 39 }, patient))).toBe(true)
    expect(isCopyOf(entries.slice(6, 7), await from.fetch({ from: 7, to: 7 }, patient))).toBe(true)
  })

  test('come to the end of the log if no end is named, or if it is nearer', async () => {
    const from = await source(() => keeper)
    expect(isCopyOf(entries.slice(19), await from.fetch({ from: 20, to: null }, patient))).toBe(true)
    expect(isCopyOf(entries.slice(37), await from.fetch({ from: 38, to: 99 }, patient))).toBe(true)
  })

  test('are none where the other has none, and the cluster is named all the same', async () => {
    const from = await source(() => keeper)
    for (const request of [
      { from: 1, to: 3 },
      { from: 41, to: 50 },
    ])
      expect(await from.fetch(request, patient)).toEqual({ clusterId: 'cluster', entries: [], holder })
  })

  test('that the other cannot read itself are none', async () => {
    const from = await source(() => ({
      ...keeper,
      read: () => Promise.reject(new StorageError('corrupt', 'damaged')),
    }))
    expect((await from.fetch({ from: 4, to: 4 }, patient)).entries).toEqual([])
  })

  test('are not put together from a log and from another that took its place meanwhile', async () => {
    let reads = 0
    const from = await source(() => ({
      ...keeper,
      read: async (first) => {
        reads++
        const changed = reads > 1
        return entries.slice(first - 1, first + 9).map((entry) => (changed ? { ...entry, term: 9 } : entry))
      },
    }))
    await expect(from.fetch({ from: 4, to: null }, patient)).rejects.toThrow(/changed meanwhile/)
    reads = 1
    expect((await from.fetch({ from: 4, to: null }, patient)).entries).toHaveLength(37)
  })

  test('cannot be had from a replica that does not run, or is not there: that is worth another try', async () => {
    const from = await source(() => {
      throw new Error('replica 0 has not started')
    })
    await expect(from.fetch({ from: 4, to: 4 }, patient)).rejects.toThrow(/replica 0 has not started/)
    const [port] = await freePorts(1)
    const nobody = createEntrySource({ id: 0, address: { host, port: port ?? 0 } })
    await expect(nobody.fetch({ from: 4, to: 4 }, patient)).rejects.toMatchObject({
      code: 'unreachable',
      message: `nobody listens on ${host}:${port}`,
    })
  })

  test('are not waited for any longer than the asking replica wants', async () => {
    const asked = signal()
    const from = await source(() => ({
      ...keeper,
      read: () => {
        asked.resolve()
        return new Promise(() => undefined)
      },
    }))
    const enough = new AbortController()
    const answer = from.fetch({ from: 4, to: 4 }, enough.signal)
    await asked.promise
    enough.abort()
    await expect(answer).rejects.toMatchObject({ code: 'aborted' })
  })

  test('are not given to many at once', async () => {
    let asked = 0
    const both = signal()
    const go = signal()
    const from = await source(() => ({
      ...keeper,
      read: async (first, bytes) => {
        if (++asked === 2) both.resolve()
        await go.promise
        return await keeper.read(first, bytes)
      },
    }))
    const answers = [1, 2].map(() => from.fetch({ from: 4, to: 4 }, patient))
    await both.promise
    await expect(from.fetch({ from: 4, to: 4 }, patient)).rejects.toMatchObject({ code: 'unreachable' })
    go.resolve()
    expect((await Promise.all(answers)).map((answer) => answer.entries.length)).toEqual([1, 1])
    expect((await from.fetch({ from: 4, to: 4 }, patient)).entries).toHaveLength(1)
  })
})

async function bytesOf(parts: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const found: Uint8Array[] = []
  for await (const part of parts) found.push(part)
  return Buffer.concat(found)
}

describe('a snapshot for a replica that lost its own', () => {
  test('comes as it is', async () => {
    const from = await source(() => keeper)
    const copy = await from.snapshot?.(patient)
    expect(copy).toMatchObject({ clusterId: 'cluster', info })
    expect((await bytesOf(copy?.chunks ?? asyncly([]))).equals(Buffer.concat(chunks))).toBe(true)
    // The place of one call is free again.
    for (const _ of [1, 2, 3]) await bytesOf((await from.snapshot?.(patient))?.chunks ?? asyncly([]))
  })

  test('is none where nothing is applied, and not to be had where nobody is', async () => {
    const from = await source(() => ({ ...keeper, snapshot: async () => null }))
    expect(await from.snapshot?.(patient)).toBeNull()
    const absent = await source(() => {
      throw new Error('replica 0 has not started')
    })
    await expect(absent.snapshot?.(patient)).rejects.toThrow(/replica 0 has not started/)
  })

  test('that breaks off is not taken for a whole one', async () => {
    const from = await source(() => ({
      ...keeper,
      snapshot: async () => ({
        clusterId: 'cluster',
        info: { ...info, bytes: 200_003 },
        chunks: asyncly(chunks, () => {
          throw new StorageError('corrupt', 'it is damaged')
        }),
      }),
    }))
    const copy = await from.snapshot?.(patient)
    await expect(bytesOf(copy?.chunks ?? asyncly([]))).rejects.toThrow(/it is damaged/)
  })

  test('is given up by who does not want it any more', async () => {
    const enough = new AbortController()
    const never = signal()
    const from = await source(() => ({
      ...keeper,
      snapshot: async () => ({
        clusterId: 'cluster',
        info: { ...info, bytes: 200_003 },
        chunks: (async function* () {
          yield* chunks
          await never.promise
        })(),
      }),
    }))
    const copy = await from.snapshot?.(enough.signal)
    const read = bytesOf(copy?.chunks ?? asyncly([]))
    enough.abort()
    await expect(read).rejects.toMatchObject({ code: 'aborted' })
    never.resolve()
  })
})

describe('with certificates', () => {
  let authority: Authority
  beforeAll(async () => {
    authority = await createAuthority(month)
  })

  async function certificates(id: number | 'operator'): Promise<Certificates> {
    const issued =
      id === 'operator'
        ? await issueForOperator(authority, month)
        : await issueForReplica(authority, id, [host], month)
    return openCertificates(writeFiles(authority.certificate, issued), () => undefined)
  }

  test('entries go to the replicas of the cluster and to nobody else', async () => {
    const port = await serve(() => keeper, await certificates(0))
    const as = (own: Certificates, id = 0): EntrySource =>
      createEntrySource({ id, address: { host, port }, certificates: own })
    const request = { from: 4, to: 4 }
    expect((await as(await certificates(1)).fetch(request, patient)).entries).toEqual(entries.slice(3, 4))
    expect(await as(await certificates(1)).snapshot?.(patient)).toMatchObject({ info })
    await expect(as(await certificates('operator')).snapshot?.(patient)).rejects.toThrow(/not that of/)
    for (const stranger of ['operator', 2] as const)
      await expect(as(await certificates(stranger)).fetch(request, patient)).rejects.toThrow(
        /not that of replica 1/,
      )
    await expect(as(await certificates(1), 2).fetch(request, patient)).rejects.toMatchObject({
      code: 'unreachable',
    })
  })
})
