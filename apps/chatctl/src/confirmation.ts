import { createInterface } from 'node:readline/promises'
import { defineOption, type Option, onOrOff, type Surroundings } from '@chatroom/configuration'

/** Of every command that takes something away. */
export const yes: Option<boolean> = defineOption<boolean>({
  key: 'yes',
  placeholder: null,
  help: 'do not ask',
  schema: onOrOff(),
  fallback: false,
  flagOnly: true,
})

/** Whether the person at the terminal agrees to what was just said; without a terminal nobody can. */
export async function agreed({ stdout, stderr }: Surroundings): Promise<boolean> {
  if (process.stdin.isTTY !== true) {
    stderr('Nothing was done: give --yes to do it without being asked.\n')
    return false
  }
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  try {
    if ((await terminal.question('Type yes to do it: ')).trim() === 'yes') return true
    stdout('Nothing was done.\n')
    return false
  } finally {
    terminal.close()
  }
}
