import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

// `npx -y pnpm dev` is a chain: npm, a shell, pnpm, a shell, this process. A signal to its upper end alone ends that end and leaves the rest running
// without anybody noticing. So the launcher watches the chain and stops when a link breaks. It looks no further up than the package
// manager: a script that starts `pnpm dev` in the background may end.

interface Ancestor {
  readonly pid: number
  readonly parent: number
  readonly command: string
}

export type ReadProcess = (pid: number) => Promise<Ancestor | null>

/** Steps up to look for a package manager. */
const reach = 6
const packageManager =
  /^(?:\S*\/)?(?:npm|npx|pnpm|pnpx|corepack)(?: |$)|^\S*node(?:\.exe)? (?:\S+ )*?\S*(?:npm|npx|pnpm|corepack)(?:-cli)?(?:\.c?m?js)?(?: |$)/

/**
 * The processes between this one and the package manager that runs it, itself included; empty if none does. Each with the parent it
 * should keep, except the last.
 */
export async function packageManagerChain(
  parent: number = process.ppid,
  read: ReadProcess = readProcess,
): Promise<readonly Ancestor[]> {
  const chain: Ancestor[] = []
  let found = 0
  for (let pid = parent; chain.length < reach && pid > 1; ) {
    const ancestor = await read(pid)
    if (ancestor === null) break
    chain.push(ancestor)
    if (packageManager.test(ancestor.command)) found = chain.length
    pid = ancestor.parent
  }
  return chain.slice(0, found)
}

/** False once a process of the chain has ended. `parent` is this process's own parent now. */
export async function chainHolds(
  chain: readonly Ancestor[],
  parent: number = process.ppid,
  read: ReadProcess = readProcess,
): Promise<boolean> {
  if (chain.length > 0 && parent !== chain[0]?.pid) return false
  for (const [index, link] of chain.entries()) {
    const now = await read(link.pid)
    if (now === null || (index < chain.length - 1 && now.parent !== link.parent)) return false
  }
  return true
}

/** A process that has ended and that its parent has not noticed yet is none. */
export async function readProcess(pid: number): Promise<Ancestor | null> {
  return process.platform === 'linux' ? await fromProc(pid) : await fromPs(pid)
}

async function fromProc(pid: number): Promise<Ancestor | null> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'latin1')
    const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (state === 'Z' || parent === undefined) return null
    const command = (await readFile(`/proc/${pid}/cmdline`, 'latin1')).replaceAll('\0', ' ').trim()
    return { pid, parent: Number(parent), command }
  } catch {
    return null
  }
}

async function fromPs(pid: number): Promise<Ancestor | null> {
  try {
    const { stdout } = await promisify(execFile)('ps', ['-o', 'ppid=,stat=,command=', '-p', String(pid)])
    const parts = /^\s*(?<parent>\d+)\s+(?<state>\S+)\s+(?<command>.*)/.exec(stdout)?.groups
    if (parts === undefined || parts['state']?.startsWith('Z')) return null
    return { pid, parent: Number(parts['parent']), command: parts['command'] ?? '' }
  } catch {
    return null
  }
}
