import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

/**
 * When a process began, in words that no other process with the same pid shares, or null if there is no such process. On Linux the boot and the clock tick
 * since then (proc(5), field 22 of `stat`); elsewhere what `ps` calls its start.
 */
export async function processStart(pid: number): Promise<string | null> {
  return process.platform === 'linux' ? await startFromProc(pid) : await startFromPs(pid)
}

/** Which process this is, for the `hello` of a replica's options: what a fencer at another replica needs to end it, should it fall silent. */
export async function thisProcess(): Promise<{ readonly pid: number; readonly processStart: string }> {
  return { pid: process.pid, processStart: (await processStart(process.pid)) ?? '' }
}

async function startFromProc(pid: number): Promise<string | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(ifGone)
  if (stat === null) return null
  // The second field is the program's name in parentheses, and may contain anything, also parentheses and spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  // Ended, and its parent has not taken note of it yet.
  if (fields[0] === 'Z' || fields[0] === 'X') return null
  const ticks = fields[19]
  if (ticks === undefined) throw new Error(`/proc/${pid}/stat has no start time`)
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'latin1')
  return `${boot.trim()}/${ticks}`
}

async function startFromPs(pid: number): Promise<string | null> {
  try {
    const { stdout } = await run('ps', ['-o', 'lstart=', '-p', String(pid)], {
      env: { ...process.env, LC_ALL: 'C' },
    })
    return stdout.trim() === '' ? null : stdout.trim()
  } catch (error) {
    // ps answers 1 for a pid that nobody has.
    if (error instanceof Error && 'code' in error && error.code === 1) return null
    throw error
  }
}

/** Whether a process is stopped (SIGSTOP, a debugger): it will do nothing until somebody lets it go on. */
export async function isStopped(pid: number): Promise<boolean> {
  if (process.platform === 'linux') {
    const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(ifGone)
    return stat !== null && /^[Tt]/.test(stat.slice(stat.lastIndexOf(')') + 2))
  }
  try {
    const { stdout } = await run('ps', ['-o', 'state=', '-p', String(pid)])
    return stdout.trim().startsWith('T')
  } catch {
    return false
  }
}

function ifGone(error: unknown): null {
  const code = error instanceof Error && 'code' in error ? error.code : null
  if (code === 'ENOENT' || code === 'ESRCH') return null
  throw error
}
