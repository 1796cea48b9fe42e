import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const program = fileURLToPath(new URL('./printing-program.ts', import.meta.url))
const flags = ['--conditions=@chatroom/source', '--import', 'tsx', program]

/** How a program ends whose output goes there, and what it says about it. */
async function ending(
  stdout: 'pipe' | number,
  lines: number,
): Promise<{ code: number | null; stderr: string }> {
  const child = spawn(process.execPath, [...flags, '--lines', String(lines)], {
    stdio: ['ignore', stdout, 'pipe'],
  })
  // The reader takes the first piece and leaves, as `head` does.
  child.stdout?.once('data', () => child.stdout?.destroy())
  let stderr = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  await once(child, 'close')
  return { code: child.exitCode, stderr }
}

describe('a program that prints', () => {
  test('ends without a word when its reader has gone away', async () => {
    expect(await ending('pipe', 1_000_000)).toEqual({ code: 141, stderr: '' })
  })

  test.skipIf(!existsSync('/dev/full'))(
    'says in one sentence that its output cannot be written',
    async () => {
      const full = openSync('/dev/full', 'w')
      const words = 'Standard output cannot be written: no space is left on its device.\n'
      expect(await ending(full, 1_000)).toEqual({ code: 1, stderr: words })
      // Also where the first write is the last.
      expect(await ending(full, 1)).toEqual({ code: 1, stderr: words })
      closeSync(full)
    },
  )
})
