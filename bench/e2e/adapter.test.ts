import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { adapters } from '../src/adapter.ts'
import { idOf, uniquePayload } from '../src/payload.ts'

/** A driver's program, with a library that starts processes and writes down which. */
function driver(): { readonly program: string; readonly started: () => Promise<readonly number[]> } {
  const directory = mkdtempSync(join(tmpdir(), 'chatroom-bench-driver-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  const library = join(directory, 'lib', 'common.mjs')
  mkdirSync(join(directory, 'lib'))
  writeFileSync(
    library,
    `import { spawn } from 'node:child_process'
    export const pids = []
    export function start(name, command, args, { env } = {}) {
      const child = spawn(command, args, { stdio: 'ignore', env: { ...process.env, ...env } })
      pids.push(child.pid)
      return child
    }`,
  )
  return {
    program: join(directory, 'drive.mjs'),
    started: async () => {
      const { pids } = (await import(library)) as { readonly pids: readonly number[] }
      return pids
    },
  }
}

function withProgram(program: string): void {
  const before = process.argv[1]
  process.argv[1] = program
  onTestFinished(() => {
    process.argv[1] = before ?? ''
  })
}

it('starts replicas as the driver starts processes, so that they are no other work to it, and brings back who was killed', async () => {
  const { program, started } = driver()
  withProgram(program)
  const [adapter] = adapters
  const cluster = await adapter?.start()
  if (cluster === undefined) throw new Error('There is an adapter.')
  onTestFinished(() => cluster.stop())
  expect(await started()).toEqual(cluster.pids())
  cluster.restart(await cluster.kill(await cluster.leader()))
  await cluster.ready()
  expect(await started()).toHaveLength(4)
  expect(await started()).toEqual(expect.arrayContaining([...cluster.pids()]))
})

it('has what was acknowledged, with processes of its own where a driver has no way to start them', async () => {
  withProgram(join(tmpdir(), 'no-driver-here', 'drive.mjs'))
  for (const adapter of adapters) {
    const cluster = await adapter.start()
    onTestFinished(() => cluster.stop())
    const connection = await cluster.connect({ failover: true })
    const payload = uniquePayload(100)
    await connection.write(payload)
    await connection.close()
    // Without what fills it up, as drivers know it.
    const id = idOf(payload).replace(/[.]+$/, '')
    expect([...(await cluster.readIds())]).toEqual([id])
  }
})
