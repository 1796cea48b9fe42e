import { spawnSync } from 'node:child_process'
import fs, { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { OpenFile } from '../src/file/file-system.ts'
import { nodeFileSystem, openFileStorage } from '../src/file/index.ts'
import { createNodeFileSystem } from '../src/file/node-file-system.ts'
import { WaitingInPlace } from '../src/file/waiting-in-place.ts'

let directory = ''

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'replication-log-'))
})

afterEach(() => {
  rmSync(directory, { recursive: true })
})

function locks(): string[] {
  return readdirSync(directory).filter((name) => name.startsWith('lock-'))
}

it('knows a process that has ended from one that runs', () => {
  const ended = spawnSync(process.execPath, ['-e', '']).pid
  expect(nodeFileSystem.isRunning({ pid: ended, start: '' })).toBe(false)
  expect(nodeFileSystem.isRunning(nodeFileSystem.process)).toBe(true)
  expect(nodeFileSystem.isRunning({ pid: process.ppid, start: '' })).toBe(true)
})

it.runIf(process.platform === 'linux')('knows a process from an earlier one with its number', () => {
  expect(nodeFileSystem.isRunning({ pid: process.pid, start: 'abc.1' })).toBe(false)
})

it('holds a lock against this process and others, and removes one that was left over', async () => {
  const ended = spawnSync(process.execPath, ['-e', '']).pid
  writeFileSync(join(directory, `lock-${ended}--00000000`), '')
  const notices: string[] = []
  const storage = openFileStorage({ directory, replicaId: 1, report: (notice) => notices.push(notice) })
  await storage.open({ tailBytes: 0 })
  expect(locks()).toHaveLength(1)
  expect(notices.join()).toContain(`process ${ended}`)
  await expect(openFileStorage({ directory, replicaId: 1 }).open({ tailBytes: 0 })).rejects.toThrow(
    /already open in this process/,
  )
  await storage.close()
  expect(locks()).toEqual([])
  writeFileSync(join(directory, `lock-${process.ppid}--00000000`), '')
  await expect(openFileStorage({ directory, replicaId: 1 }).open({ tailBytes: 0 })).rejects.toThrow(
    `in use by process ${process.ppid}`,
  )
})

it('makes a directory with its parents, and lists none as none', async () => {
  const deep = join(directory, 'a', 'b', 'c')
  expect(await nodeFileSystem.list(deep)).toBeNull()
  await nodeFileSystem.makeDirectory(deep)
  await nodeFileSystem.makeDirectory(deep)
  expect(await nodeFileSystem.list(deep)).toEqual([])
})

it('reads, writes and truncates at any place', async () => {
  const path = join(directory, 'file')
  const file = await nodeFileSystem.open(path, 'create')
  await expect(nodeFileSystem.open(path, 'create')).rejects.toMatchObject({ code: 'EEXIST' })
  await file.writeDurably(Buffer.from('hello'), 3)
  await file.write(Buffer.from('J'), 3)
  await file.sync()
  const into = Buffer.alloc(10, 0x2e)
  expect(await file.read(into, 10, 3)).toBe(5)
  expect(into.toString()).toBe('Jello.....')
  await file.truncate(6)
  expect(await file.size()).toBe(6)
  await file.close()
  expect(readFileSync(path).toString()).toBe('\0\0\0Jel')
  await nodeFileSystem.rename(path, join(directory, 'other'))
  await nodeFileSystem.syncDirectory(directory)
  await expect(nodeFileSystem.open(path, 'read')).rejects.toMatchObject({ code: 'ENOENT' })
  await nodeFileSystem.remove(join(directory, 'other'))
  expect(readdirSync(directory)).toEqual([])
})

describe.runIf(process.platform === 'linux')('a durable write', () => {
  /** How long each takes, by the clock that is read. */
  let writeTakesMs = 0.2
  const write = fs.writeSync
  const written = (call: readonly unknown[]): number => Number(Reflect.apply(write, fs, call))
  const inPlace = vi.fn<typeof written>(written)

  beforeEach(() => {
    writeTakesMs = 0.2
    let looks = 0
    // Looked at before and after each durable write.
    vi.spyOn(performance, 'now').mockImplementation(() => Math.ceil(looks++ / 2) * writeTakesMs)
    vi.spyOn(fs, 'writeSync').mockImplementation((...call: unknown[]) => inPlace(call))
    inPlace.mockClear()
  })
  afterEach(() => {
    vi.restoreAllMocks()
  })

  async function openOnQuickDisk(path: string): Promise<OpenFile> {
    const file = await createNodeFileSystem(new WaitingInPlace()).open(path, 'create')
    for (let at = 0; at < 200; at++) await file.writeDurably(Buffer.from('.'), 0)
    expect(inPlace).toHaveBeenCalled()
    inPlace.mockClear()
    return file
  }

  it('waits for a quick disk in place, and lets another thread wait for a slow one', async () => {
    const path = join(directory, 'file')
    const file = await openOnQuickDisk(path)
    for (let at = 0; at < 10; at++) await file.writeDurably(Buffer.from([at]), at)
    expect(inPlace).toHaveBeenCalledTimes(10)
    writeTakesMs = 50
    for (let at = 10; at < 20; at++) await file.writeDurably(Buffer.from([at]), at)
    expect(inPlace).toHaveBeenCalledTimes(11)
    await file.close()
    expect([...readFileSync(path)]).toEqual(Array.from({ length: 20 }, (_, at) => at))
  })

  it('lets another thread wait for what is large, or comes behind other work', async () => {
    const path = join(directory, 'file')
    const file = await openOnQuickDisk(path)
    await file.writeDurably(Buffer.alloc(20_000), 0)
    for (const work of [() => file.sync(), () => file.write(Buffer.from('a'), 1)]) {
      const other = work()
      await file.writeDurably(Buffer.from('b'), 0)
      await other
    }
    expect(inPlace).not.toHaveBeenCalled()
    await file.writeDurably(Buffer.from('c'), 0)
    expect(inPlace).toHaveBeenCalledOnce()
    await file.close()
  })

  it('goes on where a write in place ended early', async () => {
    const path = join(directory, 'file')
    const file = await openOnQuickDisk(path)
    inPlace.mockImplementationOnce(([fd, bytes, offset, , position]) =>
      written([fd, bytes, offset, 2, position]),
    )
    await file.writeDurably(Buffer.from('hello'), 3)
    expect(inPlace).toHaveBeenCalledTimes(2)
    await file.close()
    expect(readFileSync(path).subarray(3).toString()).toBe('hello')
  })

  it('says so if a write in place fails', async () => {
    const file = await openOnQuickDisk(join(directory, 'file'))
    const fault = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
    inPlace.mockImplementationOnce(() => {
      throw fault
    })
    await expect(file.writeDurably(Buffer.from('x'), 0)).rejects.toBe(fault)
    await file.close()
  })
})
