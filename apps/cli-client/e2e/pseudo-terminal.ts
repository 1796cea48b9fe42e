import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type IPty, spawn } from '@lydell/node-pty'
import type { Terminal as Emulator } from '@xterm/headless'
import xterm from '@xterm/headless'

/** The built program. */
export const programFile: string = fileURLToPath(new URL('../dist/main.js', import.meta.url))

/** Where the programs under test keep what they remember: not where a developer's do. */
export function stateHome(): string {
  return mkdtempSync(join(tmpdir(), 'chatroom-state-'))
}

const sharedStateHome = stateHome()
process.once('exit', () => rmSync(sharedStateHome, { recursive: true, force: true }))

/** What a developer or CI may have set about colours: Node gives a terminal none where it sees CI. */
const aboutColour = new Set(['CI', 'NO_COLOR', 'FORCE_COLOR', 'NODE_DISABLE_COLORS'])

/** The environment of a program under test: nothing of what a developer may have set for it. */
export function cleanEnvironment(): Record<string, string> {
  const own = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('CHATROOM_') && !aboutColour.has(name),
  )
  return {
    ...Object.fromEntries(own.map(([name, value]) => [name, value ?? ''])),
    TZ: 'UTC',
    XDG_STATE_HOME: sharedStateHome,
  }
}

/** How long a person would wait for something to appear, milliseconds. The machine may be busy. */
const patienceMs = 60_000

/** Characters of one style. */
export interface Run {
  /** From 0. */
  readonly column: number
  /** Columns. */
  readonly width: number
  readonly text: string
  /** Of the palette; null for the usual one. */
  readonly colour: number | null
  readonly bold: boolean
  readonly dim: boolean
}

export interface Screen {
  readonly rows: readonly (readonly Run[])[]
  /** From 0. */
  readonly cursor: { readonly row: number; readonly column: number }
}

/** The program in a pseudo-terminal, and what a person would see. */
export class PseudoTerminal {
  readonly exit: Promise<{ exitCode: number; signal?: number | undefined }>
  readonly #pty: IPty
  readonly #emulator: Emulator
  /** Everything that was written, with all control sequences. */
  raw = ''
  /** Called when the screen may have changed. */
  onScreen: () => void = () => undefined

  /** @param options `command`: what to start instead of the built program */
  constructor(
    args: readonly string[],
    {
      columns = 80,
      rows = 24,
      environment = {},
      command = null,
    }: {
      columns?: number
      rows?: number
      environment?: Record<string, string>
      command?: readonly [string, ...string[]] | null
    } = {},
  ) {
    this.#emulator = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true, scrollback: 1_000 })
    const [file, ...before] = command ?? [process.execPath, programFile]
    this.#pty = spawn(file, [...before, ...args], {
      cols: columns,
      rows,
      name: 'xterm-256color',
      env: { ...cleanEnvironment(), ...environment },
    })
    this.#pty.onData((data) => {
      this.raw += data
      this.#emulator.write(data, () => this.onScreen())
    })
    // What a terminal answers, such as where its cursor is.
    this.#emulator.onData((data) => this.#pty.write(data))
    this.exit = new Promise((resolve) => this.#pty.onExit(resolve))
  }

  get pid(): number {
    return this.#pty.pid
  }

  type(text: string): void {
    this.#pty.write(text)
  }

  resize(columns: number, rows: number): void {
    this.#emulator.resize(columns, rows)
    this.#pty.resize(columns, rows)
  }

  kill(signal: string): void {
    this.#pty.kill(signal)
  }

  /** The lines of the screen and of what has scrolled off it, without blank ones. */
  get lines(): string[] {
    const { active } = this.#emulator.buffer
    const lines: string[] = []
    for (let at = 0; at < active.length; at++) {
      const line = active.getLine(at)
      const text = line?.translateToString() ?? ''
      // A long line is one line, however the terminal breaks it.
      if (line?.isWrapped === true && lines.length > 0) {
        const before = lines.pop() ?? ''
        // A wide character that would have been cut left its cell empty.
        const last = active.getLine(at - 1)?.getCell(this.#emulator.cols - 1)
        lines.push(`${last?.getChars() === '' ? before.slice(0, -1) : before}${text}`)
      } else lines.push(text)
    }
    return lines.map((line) => line.trimEnd()).filter((line) => line !== '')
  }

  /** Resolves with whether the last lines of the screen are these, now or soon. */
  async comesToShow(...expected: (string | RegExp)[]): Promise<boolean> {
    const isShown = (): boolean => {
      const last = this.lines.slice(-expected.length)
      return expected.every((line, at) => {
        return typeof line === 'string' ? last[at] === line : line.test(last[at] ?? '')
      })
    }
    const until = Date.now() + patienceMs
    while (!isShown() && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 10))
    return isShown()
  }

  /** The same for what a test takes for granted. @throws Error with the screen if they are not */
  async mustShow(...expected: (string | RegExp)[]): Promise<void> {
    if (await this.comesToShow(...expected)) return
    throw new Error(`the screen should end with ${expected.join(' | ')} and shows\n${this.lines.join('\n')}`)
  }

  /** What is on the screen now, row by row, in pieces of one style. */
  get screen(): Screen {
    const { active } = this.#emulator.buffer
    const rows = Array.from({ length: this.#emulator.rows }, (_, at) => {
      const runs: Run[] = []
      const line = active.getLine(active.baseY + at)
      for (let column = 0; column < this.#emulator.cols; column++) {
        const cell = line?.getCell(column)
        // The second half of a wide character.
        if (cell === undefined || cell.getWidth() === 0) continue
        const text = cell.getChars() === '' ? ' ' : cell.getChars()
        const colour = cell.isFgPalette() ? cell.getFgColor() : null
        const [bold, dim] = [cell.isBold() !== 0, cell.isDim() !== 0]
        const last = runs.at(-1)
        const goesOn = last?.colour === colour && last.bold === bold && last.dim === dim
        if (last !== undefined && goesOn)
          runs[runs.length - 1] = { ...last, text: last.text + text, width: last.width + cell.getWidth() }
        else runs.push({ column, width: cell.getWidth(), text, colour, bold, dim })
      }
      return runs
    })
    return { rows, cursor: { row: active.cursorY, column: active.cursorX } }
  }

  /** Column of the cursor, from 0. */
  get column(): number {
    return this.#emulator.buffer.active.cursorX
  }
}
