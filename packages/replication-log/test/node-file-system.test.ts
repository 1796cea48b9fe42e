import { spawnSync } from 'node:child_process'
import fs, { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest'
import { nodeFileSystem, openFileStorage } from '../src/file/index.ts'

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

it.runIf(process.platform === 'linux')(
  'waits for a quick disk in place, and lets another thread wait for a slow one',
  async () => {
    let now = 0
    let writeTakesMs = 0.1
    const write = fs.writeSync
    const inPlace = vi.spyOn(fs, 'writeSync').mockImplementation((...call: unknown[]) => {
      now += writeTakesMs
      return Reflect.apply(write, fs, call)
    })
    vi.spyOn(performance, 'now').mockImplementation(() => now)
    onTestFinished(() => {
      vi.restoreAllMocks()
    })
    const path = join(directory, 'file')
    const file = await nodeFileSystem.open(path, 'create')
    const writeTen = async () => {
      for (let at = 0; at < 10; at++) await file.writeDurably(Buffer.from([at]), at)
    }
    await writeTen()
    expect(inPlace).toHaveBeenCalledTimes(10)
    const synced = file.sync()
    await file.writeDurably(Buffer.from([0]), 0)
    await synced
    await file.writeDurably(Buffer.alloc(20_000), 10)
    await file.truncate(10)
    expect(inPlace).toHaveBeenCalledTimes(10)
    writeTakesMs = 50
    await writeTen()
    expect(inPlace).toHaveBeenCalledTimes(11)
    await file.close()
    expect([...readFileSync(path)]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  },
)

it.runIf(process.platform === 'linux')('says so if a write that it waits for in place fails', async () => {
  const file = await nodeFileSystem.open(join(directory, 'file'), 'create')
  const fault = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
  vi.spyOn(fs, 'writeSync').mockImplementationOnce(() => {
    throw fault
  })
  onTestFinished(() => {
    vi.restoreAllMocks()
  })
  await expect(file.writeDurably(Buffer.from('x'), 0)).rejects.toBe(fault)
  await file.close()
})
