import { createInterface, type Interface } from 'node:readline'
import { Writable } from 'node:stream'
import type { ReadStream, WriteStream } from 'node:tty'
import type { Completions } from '../completion.ts'
import { type Output, written } from '../output.ts'
import { historySize } from '../state/history.ts'
import type { Input, Question } from './input.ts'
import { Keyboard } from './keyboard.ts'
import { bracketNoPastes, bracketPastes, lineWithPastes } from './paste.ts'

/** What a terminal is made of. */
export interface TerminalParts {
  readonly stdin: ReadStream
  /** Where results and messages go. */
  readonly stdout: WriteStream
  readonly stderr: WriteStream
  /** Where the prompt is: `stdout`, or `stderr` if `stdout` is for a program. */
  readonly prompts: WriteStream
  /** Command lines of earlier runs, the newest first. */
  readonly history: string[]
  /** A command line was given. @returns true if it may be remembered for the arrow keys */
  readonly remembers: (line: string) => boolean
  /** What Tab may make of a command, given what is left of the cursor. */
  readonly complete: (beginning: string) => Promise<Completions>
  readonly onInterrupt: () => void
}

/** Erases from the cursor to the end of the screen. */
const eraseBelow = '\u001b[0J'

/**
 * A person at a terminal: reads lines with editing and history, and writes above the line being typed without losing a character of it.
 * It takes no more of the screen than the line it is on.
 */
export class Terminal implements Input, Output {
  readonly #parts: TerminalParts
  readonly #keyboard: Keyboard
  readonly #echo: Echo
  readonly #readline: Interface
  #commandPrompt = '> '
  /** What the user is asked for now: a command, an answer, or nothing while a command runs. */
  #wanted: 'command' | Question | null = null
  #typedAhead: string[] = []
  #take: ((line: string | null) => void) | null = null
  #closed = false

  constructor(parts: TerminalParts) {
    this.#parts = parts
    this.#echo = new Echo(parts.prompts)
    this.#keyboard = new Keyboard(parts.stdin, (text) => this.#readline.write(text))
    this.#readline = createInterface({
      input: this.#keyboard,
      output: this.#echo,
      terminal: true,
      prompt: this.#commandPrompt,
      historySize,
      history: parts.history,
      completer: (line: string, done: (error: Error | null, completions: Completions) => void) => {
        const completions =
          this.#wanted === 'command' ? parts.complete(line) : Promise.resolve<Completions>([[], line])
        completions.then(
          (found) => done(null, found),
          () => done(null, [[], line]),
        )
      },
    })
    this.#readline.on('line', (line) => this.#taken(lineWithPastes(line)))
    this.#readline.on('close', () => this.close())
    this.#readline.on('SIGINT', parts.onInterrupt)
    this.#readline.on('SIGTSTP', () => this.#suspend())
    this.#readline.on('history', (history) => this.#forget(history))
    parts.prompts.on('resize', this.#onResize)
    process.on('SIGCONT', this.#onContinue)
    this.#askForMarks(true)
  }

  command(): Promise<string | null> {
    return this.#want('command')
  }

  ask(question: Question): Promise<string | null> {
    return this.#want(question)
  }

  /** Changes what stands before a command; what is being typed stays. */
  setCommandPrompt(prompt: string): void {
    this.#commandPrompt = prompt
    if (this.#wanted !== 'command') return
    const { clear, room } = this.#place()
    this.#parts.prompts.write(clear + room)
    this.#readline.setPrompt(prompt)
    this.#readline.prompt(true)
  }

  async write(to: 'stdout' | 'stderr', text: string): Promise<void> {
    const sink = this.#parts[to]
    if (this.#closed) {
      await written(sink, `${text}\n`)
      return
    }
    const { prompts } = this.#parts
    const { clear, room } = this.#place()
    prompts.write(clear)
    const done = written(sink, `${text}\n`)
    prompts.write(room)
    this.#redraw()
    await done
  }

  /** Gives the terminal back as it was. */
  close(): void {
    if (this.#closed) return
    const unfinished = this.#wanted !== null
    this.#closed = true
    this.#wanted = null
    this.#echo.hidden = false
    process.off('SIGCONT', this.#onContinue)
    this.#parts.prompts.off('resize', this.#onResize)
    this.#readline.close()
    this.#keyboard.close()
    this.#askForMarks(false)
    // What the shell prints next begins on a line of its own.
    if (unfinished) this.#parts.prompts.write('\n')
    this.#take?.(null)
    this.#take = null
  }

  #want(wanted: 'command' | Question): Promise<string | null> {
    if (this.#closed) return Promise.resolve(null)
    const ahead = this.#typedAhead.shift()
    if (ahead !== undefined) return Promise.resolve(ahead)
    return new Promise((resolve) => {
      this.#take = resolve
      this.#wanted = wanted
      const { prompt, hidden } =
        wanted === 'command' ? { prompt: this.#commandPrompt, hidden: false } : wanted
      this.#readline.setPrompt(prompt)
      if (hidden) this.#parts.prompts.write(this.#place().clear + prompt)
      this.#echo.hidden = hidden
      this.#readline.prompt(true)
    })
  }

  #taken(line: string): void {
    // Readline's own line break was not shown either.
    if (this.#echo.hidden) this.#parts.prompts.write('\n')
    this.#echo.hidden = false
    const take = this.#take
    this.#take = null
    this.#wanted = null
    if (take === null) this.#typedAhead.push(line)
    else take(line)
  }

  /** Answers are not remembered, nor are commands with a password in them. The newest line is the first. */
  #forget(history: string[]): void {
    const [newest] = history
    const isCommand = this.#wanted === 'command'
    if (newest !== undefined && !(isCommand && this.#parts.remembers(newest))) history.shift()
  }

  /**
   * The cursor is where readline left it, some rows below the beginning of its line. `clear` erases the line and goes to its beginning, where there is
   * then place to write. Readline believes that it has to go up those rows to draw its line again: `room` makes that true.
   */
  #place(): { readonly clear: string; readonly room: string } {
    const rows = this.#rows()
    const up = rows > 0 ? `\u001b[${rows}A` : ''
    return { clear: `${up}\r${eraseBelow}`, room: '\n'.repeat(rows) }
  }

  #redraw(): void {
    if (this.#wanted !== null && this.#wanted !== 'command' && this.#wanted.hidden) {
      this.#parts.prompts.write(this.#wanted.prompt)
    } else if (this.#wanted !== null || this.#readline.line !== '') this.#readline.prompt(true)
  }

  /** Lines are counted anew. Terminals differ in whether they break lines anew as well: of the two places where the line may begin now, this takes the lower. */
  readonly #onResize = (): void => {
    const before = this.#rows()
    this.#echo.measure()
    const after = this.#rows()
    // Readline goes up as many rows as it did before.
    if (before > after) this.#parts.prompts.write('\n'.repeat(before - after))
    if (!this.#echo.hidden) this.#echo.emit('resize')
  }

  #rows(): number {
    return this.#echo.hidden ? 0 : this.#readline.getCursorPos().rows
  }

  /** Ctrl-Z: stops what the terminal would have stopped, this program and whoever started it for this. */
  #suspend(): void {
    this.#parts.prompts.write(`${this.#place().clear}`)
    this.#askForMarks(false)
    this.#keyboard.setRawMode(false)
    process.kill(0, 'SIGTSTP')
  }

  /** `fg`: meanwhile the terminal was somebody else's, who may have left it in any state. */
  readonly #onContinue = (): void => {
    this.#keyboard.setRawMode(false)
    this.#keyboard.setRawMode(true)
    this.#askForMarks(true)
    this.#parts.prompts.write(`\r${eraseBelow}${this.#place().room}`)
    this.#redraw()
  }

  #askForMarks(wanted: boolean): void {
    if (this.#parts.prompts.isTTY) this.#parts.prompts.write(wanted ? bracketPastes : bracketNoPastes)
  }
}

/** What readline writes to: the terminal, except while a password is typed. */
class Echo extends Writable {
  hidden = false
  /** As readline last knew it. */
  columns: number
  readonly #terminal: WriteStream

  constructor(terminal: WriteStream) {
    super({ decodeStrings: false })
    this.#terminal = terminal
    this.columns = terminal.columns
  }

  get rows(): number {
    return this.#terminal.rows
  }

  measure(): void {
    this.columns = this.#terminal.columns
  }

  override _write(text: string, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (!this.hidden) this.#terminal.write(text)
    // At once, so that nothing written to the terminal itself overtakes what readline wrote before.
    done()
  }
}
