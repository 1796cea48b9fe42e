import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'

/**
 * Where this program keeps what it remembers from one run to the next: `$XDG_STATE_HOME/chatroom`, or `~/.local/state/chatroom`.
 * Source: XDG Base Directory Specification 0.8, which says that a relative path is to be ignored.
 */
export function stateDirectory(environment: Readonly<Record<string, string | undefined>>): string {
  const base = environment['XDG_STATE_HOME'] ?? ''
  return join(isAbsolute(base) ? base : join(homedir(), '.local', 'state'), 'chatroom')
}
