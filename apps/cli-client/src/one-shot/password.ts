import { readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import type { Invocation } from '@chatroom/configuration'
import { UsageError } from '../arguments.ts'
import { Terminal } from '../input/terminal.ts'
import { passwordFile } from '../own-options.ts'

/** Never from the command line, which every user of the computer can see. */
const advice = 'give --password-file FILE or set CHATROOM_PASSWORD_FILE'

/** The password from the file that was named, or from whoever sits at the terminal. @throws UsageError */
export async function passwordFor(invocation: Invocation, signal: AbortSignal): Promise<string> {
  const file = invocation.settings.optionalPath(passwordFile)
  if (file !== null) {
    const isInput = invocation.settings.get(passwordFile) === '-'
    const content = isInput ? await text(process.stdin) : contentOf(file)
    const [line = ''] = content.split(/\r?\n/u)
    if (line === '')
      throw new UsageError(`${isInput ? 'Standard input' : file} has no password in its first line.`)
    return line
  }
  const { stdin, stdout, stderr } = process
  if (!stdin.isTTY) throw new UsageError(`There is nobody to ask for the password: ${advice}.`)
  let interrupted: () => void = () => undefined
  const terminal = new Terminal({
    stdin,
    stdout,
    stderr,
    // What is printed may be for a program.
    prompts: stderr,
    history: [],
    remembers: () => false,
    complete: () => Promise.resolve([[], '']),
    onInterrupt: () => interrupted(),
  })
  interrupted = () => {
    terminal.close()
    process.kill(process.pid, 'SIGINT')
  }
  signal.addEventListener('abort', () => terminal.close())
  try {
    const given = await terminal.ask({ prompt: 'Password: ', what: 'the password', hidden: true })
    if (given === null) throw new UsageError('No password was given.')
    return given
  } finally {
    terminal.close()
  }
}

function contentOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new UsageError(
      `The password cannot be read: ${error instanceof Error ? error.message : String(error)}.`,
    )
  }
}
