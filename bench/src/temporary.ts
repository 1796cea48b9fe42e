import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const made = new Set<string>()
process.on('exit', () => {
  for (const directory of made) rmSync(directory, { recursive: true, force: true })
})

/** A directory of the bench's own. Removed when it is not needed any more, at the latest when the bench ends. */
export function makeDirectory(): { readonly directory: string; readonly remove: () => void } {
  const directory = mkdtempSync(join(tmpdir(), 'chatroom-bench-'))
  made.add(directory)
  return {
    directory,
    remove() {
      rmSync(directory, { recursive: true, force: true })
      made.delete(directory)
    },
  }
}
