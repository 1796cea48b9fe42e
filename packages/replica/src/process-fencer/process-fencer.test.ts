import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, describe, expect, it } from 'vitest'
import { fencerAcceptance } from '../testing/index.ts'
import { createProcessFencer, processStart, thisProcess } from './index.ts'
import { isStopped } from './process-start.ts'

const children: ChildProcess[] = []

function idleProcess(): { child: ChildProcess; pid: number } {
  const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], {
    stdio: ['pipe', 'ignore', 'inherit'],
  })
  children.push(child)
  if (child.pid === undefined) throw new Error('not started')
  return { child, pid: child.pid }
}

function hello(pid: number, start: string) {
  return {
    member: { id: 1, disk: 'd', incarnation: 1 },
    clusterId: 'c',
    mode: 'fail-stop',
    protocol: 1,
    clientAddress: '127.0.0.1:1',
    pid,
    processStart: start,
  }
}

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

describe('the fencer of processes does what every fencer has to do', () => {
  it.each(fencerAcceptance)('$name', async ({ run }) => {
    const done = run({
      fencer: createProcessFencer(),
      async own() {
        const { pid, processStart } = await thisProcess()
        return hello(pid, processStart)
      },
      async victim() {
        const { child, pid } = idleProcess()
        const exit = once(child, 'exit').then(() => undefined)
        return {
          hello: hello(pid, (await processStart(pid)) ?? ''),
          isAlive: () => child.exitCode === null && child.signalCode === null,
          ended: exit,
          pause: async () => void child.kill('SIGSTOP'),
          async kill() {
            child.kill('SIGKILL')
            await exit
          },
        }
      },
    })
    await expect(done).resolves.toBeUndefined()
  })
})

describe('the fencer', () => {
  it('kills the process that the hello names, stopped or not', async () => {
    const { child, pid } = idleProcess()
    const start = await processStart(pid)
    expect(start).not.toBeNull()
    child.kill('SIGSTOP')
    const ended = once(child, 'exit')
    await createProcessFencer().fence(hello(pid, start ?? ''))
    expect(await ended).toEqual([null, 'SIGKILL'])
  })

  it('bears with a process that is only slow for as long as it is told, and with a stopped one not at all', async () => {
    const { child, pid } = idleProcess()
    const start = (await processStart(pid)) ?? ''
    const fencer = createProcessFencer({ patienceMs: 4_000 })
    const ask = (silentMs: number): Promise<void> => fencer.fence(hello(pid, start), silentMs)
    // It answers after each of these, so that none of them goes on for long enough, whatever they are together.
    for (const silentMs of [1_000, 2_000, 3_000, 1_000, 2_000, 3_999])
      await expect(ask(silentMs)).rejects.toThrow('silent but not stopped')
    const ended = once(child, 'exit')
    await ask(4_000)
    expect(await ended).toEqual([null, 'SIGKILL'])

    const other = idleProcess()
    const otherStart = (await processStart(other.pid)) ?? ''
    other.child.kill('SIGSTOP')
    const otherEnded = once(other.child, 'exit')
    while (!(await isStopped(other.pid))) await new Promise(setImmediate)
    await fencer.fence(hello(other.pid, otherStart), 1_000)
    expect(await otherEnded).toEqual([null, 'SIGKILL'])
  })

  it('leaves another process with the same pid alone', async () => {
    const killed: number[] = []
    const fencer = createProcessFencer({ startOf: async () => 'later', kill: (pid) => killed.push(pid) })
    await fencer.fence(hello(12345, 'earlier'))
    expect(killed).toEqual([])
  })

  it('does nothing for a process that has ended, also if it ends just before the kill', async () => {
    const { child, pid } = idleProcess()
    const start = (await processStart(pid)) ?? ''
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
    expect(await processStart(pid)).toBeNull()
    await createProcessFencer().fence(hello(pid, start))
    await createProcessFencer({ startOf: async () => start }).fence(hello(pid, start))
  })

  it('refuses to guess, and to kill itself', async () => {
    const fencer = createProcessFencer()
    await expect(fencer.fence(hello(0, 'x'))).rejects.toThrow('has not said which process it is')
    await expect(fencer.fence(hello(12345, ''))).rejects.toThrow('has not said which process it is')
    await expect(fencer.fence(hello(process.pid, 'x'))).rejects.toThrow('that is this process')
  })

  it('says why it could not', async () => {
    const fencer = createProcessFencer({
      startOf: async () => 'x',
      kill: () => {
        throw Object.assign(new Error('kill EPERM'), { code: 'EPERM' })
      },
    })
    await expect(fencer.fence(hello(12345, 'x'))).rejects.toThrow(
      'replica 1 (pid 12345) cannot be fenced: kill EPERM.',
    )
  })
})

describe('when a process began', () => {
  it('is the same each time it is asked', async () => {
    expect(await processStart(process.pid)).toBe(await processStart(process.pid))
  })

  it('differs between processes', async () => {
    const { pid } = idleProcess()
    expect(await processStart(pid)).not.toBe(await processStart(process.pid))
  })
})
