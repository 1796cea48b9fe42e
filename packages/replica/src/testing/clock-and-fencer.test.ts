import { describe, expect, it } from 'vitest'
import { systemClock } from '../ports/clock.ts'
import { clockAcceptance, fencerAcceptance, helloOf, MemoryProcesses, VirtualClock } from './index.ts'

describe('the clock of the system', () => {
  it.each(clockAcceptance)('$name', async ({ run }) => {
    const pass = (ms: number): Promise<void> => new Promise((resolve) => systemClock.after(ms, resolve))
    await expect(run({ clock: systemClock, pass })).resolves.toBeUndefined()
  })
})

describe('the virtual clock', () => {
  it.each(clockAcceptance)('$name', async ({ run }) => {
    const clock = new VirtualClock()
    await expect(run({ clock, pass: async (ms) => clock.advance(ms) })).resolves.toBeUndefined()
  })
})

describe('the fencer of processes in memory', () => {
  it.each(fencerAcceptance)('$name', async ({ run }) => {
    const processes = new MemoryProcesses()
    const own = processes.start(() => undefined)
    const helloOfProcess = ({ pid, processStart }: { pid: number; processStart: string }) =>
      helloOf(1, { pid, processStart })
    const done = run({
      fencer: processes.fencer(own),
      own: async () => helloOfProcess(own),
      async victim() {
        let alive = true
        let ended = (): void => undefined
        const gone = new Promise<void>((resolve) => {
          ended = resolve
        })
        const end = (): void => {
          alive = false
          ended()
        }
        const process = processes.start(end)
        return {
          hello: helloOfProcess(process),
          isAlive: () => alive,
          ended: gone,
          pause: async () => undefined,
          async kill() {
            end()
            process.ended()
          },
        }
      },
    })
    await expect(done).resolves.toBeUndefined()
  })
})
