import { readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import type { Invocation, Option } from '@chatroom/configuration'
import { answer, newPassword, oldPassword, password, repeatedPasswordIn, UsageError } from '../arguments.ts'
import type { Question } from '../input/input.ts'
import { Terminal } from '../input/terminal.ts'
import { newPasswordFile, passwordFile } from '../own-options.ts'

/** Never from the command line, which every user of the computer can see. */
const advice = 'give --password-file FILE or set CHATROOM_PASSWORD_FILE'

/** The password from the file that was named, or from whoever sits at the terminal. @throws UsageError */
export async function passwordFor(invocation: Invocation, signal: AbortSignal): Promise<string> {
  using sources = new PasswordSources(invocation, signal)
  return (
    (await sources.inFile(passwordFile, password)) ??
    (await answer(sources.terminal(password, advice), password))
  )
}

/** The old password and the new one, each from its file or from whoever sits at the terminal. @throws UsageError */
export async function passwordsFor(
  invocation: Invocation,
  signal: AbortSignal,
): Promise<{ readonly old: string; readonly next: string }> {
  using sources = new PasswordSources(invocation, signal)
  const old =
    (await sources.inFile(passwordFile, oldPassword)) ??
    (await answer(sources.terminal(oldPassword, advice), oldPassword))
  const next =
    (await sources.inFile(newPasswordFile, newPassword)) ??
    (await repeatedPasswordIn(sources.terminal(newPassword, 'give --new-password-file FILE')))
  return { old, next }
}

/** Where one command gets its passwords. */
class PasswordSources implements Disposable {
  readonly #invocation: Invocation
  readonly #signal: AbortSignal
  /** Lines of standard input that nobody has taken yet; null before it was read. */
  #inputLines: string[] | null = null
  #terminal: Terminal | null = null

  constructor(invocation: Invocation, signal: AbortSignal) {
    this.#invocation = invocation
    this.#signal = signal
  }

  [Symbol.dispose](): void {
    this.#terminal?.close()
  }

  /** The first line of the file that the option names, or the next line of standard input; null if it names none. */
  async inFile(option: Option<string | null>, { what }: Question): Promise<string | null> {
    const { settings } = this.#invocation
    const file = settings.optionalPath(option)
    if (file === null) return null
    const isInput = settings.get(option) === '-'
    const line = isInput ? await this.#inputLine() : contentOf(file).split(/\r?\n/u)[0]
    if (line !== undefined && line !== '') return line
    throw new UsageError(
      isInput ? `Standard input ended before ${what}.` : `${file} has not ${what} in its first line.`,
    )
  }

  /** @throws UsageError if nobody sits there to be asked */
  terminal({ what }: Question, instead: string): Terminal {
    const { stdin, stdout, stderr } = process
    if (!stdin.isTTY) throw new UsageError(`There is nobody to ask for ${what}: ${instead}.`)
    if (this.#terminal !== null) return this.#terminal
    const terminal: Terminal = new Terminal({
      stdin,
      stdout,
      stderr,
      // What is printed may be for a program.
      prompts: stderr,
      history: [],
      remembers: () => false,
      complete: () => Promise.resolve([[], '']),
      onInterrupt: () => {
        terminal.close()
        process.kill(process.pid, 'SIGINT')
      },
    })
    this.#signal.addEventListener('abort', () => terminal.close())
    this.#terminal = terminal
    return terminal
  }

  async #inputLine(): Promise<string | undefined> {
    this.#inputLines ??= (await text(process.stdin)).split(/\r?\n/u)
    return this.#inputLines.shift()
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
