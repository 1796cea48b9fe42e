// Preloaded by `pnpm server` and `pnpm chat` (`pnpm dev` watches for itself): when what launched the program goes away, the program is told to end.
//
// A SIGTERM to pnpm reaches the program, once. A SIGTERM to `npx pnpm@… server` does not: npm passes it to the shell it
// started pnpm with, and where that shell is dash it dies and leaves pnpm and the program behind, holding their ports.
// So the program looks at the processes above it, and takes the loss of one of them as a SIGTERM to itself.
// Linux only: elsewhere there is no /proc to look at, and nothing is watched.
import { readFileSync } from 'node:fs'

const lookEveryMs = 250

/**
 * @param {number} pid
 * @returns {{ parent: number, launches: boolean } | undefined}
 */
function look(pid) {
  try {
    // The name may hold spaces and parentheses, so the fields are counted from the last one on.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'))
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
    const shell = /^(?:sh|dash|bash|ash|busybox)$/.test(name) && words.includes('-c')
    return {
      parent,
      launches: shell || /\b(?:pnpm|npm|npx)\b/.test(`${name} ${words.slice(0, 2).join(' ')}`),
    }
  } catch {
    return undefined
  }
}

/**
 * Who must remain whose parent: from this process up to the topmost launcher.
 * @type {{ pid: number, parent: number }[]}
 */
const chain = []
for (let pid = process.pid, seen = look(pid); seen; ) {
  const above = look(seen.parent)
  if (!above?.launches) break
  chain.push({ pid, parent: seen.parent })
  pid = seen.parent
  seen = above
}

if (chain.length > 0) {
  const timer = setInterval(() => {
    if (chain.every(({ pid, parent }) => look(pid)?.parent === parent)) return
    clearInterval(timer)
    process.kill(process.pid, 'SIGTERM')
  }, lookEveryMs)
  timer.unref()

  // A program that was told already is not told twice. It listens only where the program does, and as briefly: a listener
  // too many would keep a second Ctrl-C from ending the program.
  const signals = new Set(['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.on('newListener', (event) => {
    if (typeof event === 'string' && signals.delete(event)) process.once(event, () => clearInterval(timer))
  })
}
