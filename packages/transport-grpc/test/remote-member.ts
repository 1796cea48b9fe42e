import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import type { RemoteMember } from '@chatroom/replica/testing'
import type { EchoProcessOptions } from './echo-process.ts'

const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
const program = fileURLToPath(new URL('./echo-process.ts', import.meta.url))

/** A member in a process of its own, on the sources. Rejects with what it wrote if it does not come to listen. */
export async function startRemote(
  options: EchoProcessOptions,
): Promise<RemoteMember & { readonly pid: number }> {
  const child = spawn(
    process.execPath,
    ['--conditions=@chatroom/source', '--import', loader, program, JSON.stringify(options)],
    { stdio: ['pipe', 'pipe', 'pipe'] },
  )
  const exited = once(child, 'exit')
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString()
  })
  const listening = once(child.stdout, 'data')
  await Promise.race([
    listening,
    exited.then(() => {
      throw new Error(`The member's process ended before it listened. ${errors}`)
    }),
  ])
  const pid = child.pid ?? 0
  return {
    pid,
    async kill() {
      child.kill('SIGKILL')
      await exited
    },
    async pause() {
      child.kill('SIGSTOP')
      await untilState(child, (state) => state.startsWith('T'))
    },
    async resume() {
      child.kill('SIGCONT')
      await untilState(child, (state) => !state.startsWith('T'))
    },
  }
}

const run = promisify(execFile)

/** A signal takes effect some time after it was sent. */
async function untilState(child: ChildProcess, wanted: (state: string) => boolean): Promise<void> {
  for (;;) {
    const { stdout } = await run('ps', ['-o', 'state=', '-p', String(child.pid)])
    if (wanted(stdout.trim())) return
  }
}
