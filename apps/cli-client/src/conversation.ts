import { type ChatClient, ChatError, type Switch } from '@chatroom/client'
import { type Action, type ActionName, actionsOf } from './actions.ts'
import { messageIn, UsageError } from './arguments.ts'
import { Attendance } from './attendance.ts'
import { findCommand } from './commands.ts'
import { type EndingSignal, exitCodeOf, exitCodes, worse } from './exit-code.ts'
import type { Input } from './input/input.ts'
import { readCommandLine } from './line.ts'
import type { Presenter } from './presenter.ts'
import { blinkMs, Prompt } from './prompt.ts'
import { failed, type Result, wrongUsage } from './result.ts'
import { Results } from './results.ts'
import { sentResult } from './sent.ts'

export interface ConversationParts {
  readonly input: Input
  readonly presenter: Presenter
  /** True if commands come from a file or a pipe. */
  readonly inScript: boolean
  /** Seconds without a command after which a login ends. */
  readonly idleTimeoutSeconds: number
  readonly connect: (signal: AbortSignal) => Promise<ChatClient>
  /** What a person calls the replica at `host:port`. */
  readonly replicaName: (address: string) => string
  /** What stands before a command has changed. */
  readonly onPrompt: (prompt: string) => void
}

/** Commands that tell the replicas of the user's activity by themselves, or change who is logged in. */
const telling: ReadonlySet<string> = new Set(['login', 'logout', 'passwd', 'list', 'delete', 'send', 'quit'])

/** As long as somebody waits for a completion, milliseconds. */
const completionMs = 1_000

/** From the first command to the last: takes commands in order, tells their results in order, logs out at the end. */
export class Conversation {
  readonly #parts: ConversationParts
  readonly #attendance: Attendance
  readonly #results: Results
  readonly #actions: Readonly<Record<ActionName, Action>>
  readonly #prompt: Prompt
  readonly #stop = new AbortController()
  readonly #stopped: Promise<void>
  #connecting: Promise<ChatClient> | null = null
  /** Messages that are not acknowledged yet. */
  #unsent = 0
  #exitCode = 0
  #signal: EndingSignal | null = null

  constructor(parts: ConversationParts) {
    this.#parts = parts
    const { presenter } = parts
    this.#stopped = new Promise((resolve) => this.#stop.signal.addEventListener('abort', () => resolve()))
    this.#prompt = new Prompt(parts.onPrompt)
    this.#attendance = new Attendance({
      deliver: (message) => presenter.message(message),
      notice: (text) => presenter.notice(text),
      onName: (name) => this.#prompt.loggedIn(name),
      now: () => performance.now(),
    })
    this.#results = new Results((result) => this.#tell(result))
    this.#actions = actionsOf({
      input: parts.input,
      client: () => this.#client(),
      attendance: this.#attendance,
      inScript: parts.inScript,
      idleTimeoutSeconds: parts.idleTimeoutSeconds,
      signal: this.#stop.signal,
    })
  }

  /** Resolves with the exit code when the conversation is over. */
  async run(): Promise<number> {
    // What is stuck, perhaps because nobody reads what is written, must not keep it from ending.
    await Promise.race([this.#talk(), this.#stopped])
    await Promise.race([this.#attendance.close(), this.#stopped])
    this.#parts.input.close()
    this.#prompt.close()
    const client = await this.#connecting?.catch(() => null)
    await client?.close()
    if (this.#signal !== null) return exitCodeOf(this.#signal)
    return this.#exitCode
  }

  async #talk(): Promise<void> {
    try {
      if (this.#parts.inScript || (await this.#greet())) await this.#converse()
      await this.#results.printed()
      if (this.#parts.inScript && this.#exitCode !== exitCodes.unreachable) await this.#fetchLast()
    } catch (error) {
      // What cannot be written has ended the conversation already.
      if (!this.#isStopped) throw error
    }
  }

  /** Ends it from outside: what is under way is given up, and the user is logged out. */
  stop(signal: EndingSignal | null): void {
    this.#signal ??= signal
    this.#stop.abort()
    this.#parts.input.close()
  }

  get #isStopped(): boolean {
    return this.#stop.signal.aborted
  }

  /** A person is told at once if there is nobody to talk to. @returns false if so */
  async #greet(): Promise<boolean> {
    const slow = setTimeout(() => this.#parts.presenter.aside('Looking for a server…'), blinkMs)
    try {
      const client = await this.#client()
      const leader = client.leader
      const where = leader === null ? '' : ` to ${this.#parts.replicaName(leader)}`
      this.#parts.presenter.aside(`Connected${where}. Type help to see all commands.`)
      return true
    } catch (error) {
      if (!(error instanceof ChatError)) throw error
      if (this.#isStopped) return false
      this.#parts.presenter.notice(error.message)
      this.#exitCode = exitCodes.unreachable
      return false
    } finally {
      clearTimeout(slow)
    }
  }

  async #converse(): Promise<void> {
    while (!this.#isStopped) {
      const line = await this.#command()
      if (line === null) return
      const given = readCommandLine(line)
      if (given === null) continue
      this.#attendance.active()
      if (!telling.has(given.command)) this.#touch()
      const command = findCommand(given.command)
      if ('wrong' in command) await this.#finish(Promise.resolve(wrongUsage(given.command, command.wrong)))
      else if (command.name === 'send') await this.#send(given.rest)
      else if (await this.#act(command.name, given.rest)) return
    }
  }

  /** The next line that can be read; of others it is told that they cannot. */
  async #command(): Promise<string | null> {
    for (;;) {
      try {
        return await this.#parts.input.command()
      } catch (error) {
        if (!(error instanceof UsageError)) throw error
        await this.#finish(Promise.resolve(wrongUsage('input', error.message)))
      }
    }
  }

  /** Messages go out one behind the other without waiting for answers; their results come in order. */
  async #send(rest: string): Promise<void> {
    const { signal } = this.#stop
    try {
      const { to, text } = await messageIn(rest, this.#parts.input)
      if (this.#attendance.presence.kind === 'out') throw new ChatError('not logged in', 'Log in first.')
      const client = await this.#client()
      await client.sendable({ signal })
      this.#prompt.unsent(++this.#unsent)
      const slow = setTimeout(() => {
        this.#parts.presenter.aside(`Not sent to ${to} yet: no replica has acknowledged it.`)
      }, blinkMs)
      const sent = client.send(to, text, { signal }).finally(() => {
        clearTimeout(slow)
        this.#prompt.unsent(--this.#unsent)
      })
      const told = sent.then((what) => sentResult(to, what))
      this.#results.add(told.catch((error: unknown) => failed('send', error)))
    } catch (error) {
      await this.#finish(Promise.resolve(resultOf('send', error)))
    }
  }

  /** @returns true if the conversation is over */
  async #act(name: ActionName, rest: string): Promise<boolean> {
    // Commands take effect in the order in which they were given.
    await this.#results.printed()
    const result = await this.#actions[name](rest).catch((error: unknown) => resultOf(name, error))
    if (name === 'quit' && result.outcome === 'done') return await this.#quit(result)
    await this.#finish(Promise.resolve(result))
    if (result.outcome === 'done' && 'idleTimeoutSeconds' in result.fields) await this.#begin(result)
    return false
  }

  async #begin({ fields }: Result): Promise<void> {
    const client = await this.#client()
    const { name, idleTimeoutSeconds } = fields
    this.#attendance.begin(client, typeof name === 'string' ? name : '', Number(idleTimeoutSeconds))
    // So that a script does the same every time: what waited comes before anything else.
    if (this.#parts.inScript) await this.#attendance.caughtUp()
  }

  async #quit(result: Result): Promise<true> {
    if (this.#parts.inScript) await this.#fetchLast()
    await this.#finish(Promise.resolve(result))
    return true
  }

  /** Before a script ends, the messages that wait are told. */
  async #fetchLast(): Promise<void> {
    if (this.#attendance.presence.kind === 'out') return
    try {
      await this.#attendance.fetch()
    } catch (error) {
      // Whoever ended it did not wait for them; they come again.
      if (this.#isStopped) return
      const { outcome, message } = failed('quit', error)
      this.#exitCode = worse(this.#exitCode, outcome)
      this.#parts.presenter.notice(`The last messages could not be fetched: ${message}`)
    }
  }

  async #finish(result: Promise<Result>): Promise<void> {
    this.#results.add(result)
    await this.#results.printed()
  }

  async #tell(result: Result): Promise<void> {
    // What fails because the conversation was ended from outside is no news.
    if (this.#isStopped && result.code === 'CANCELLED') return
    await this.#parts.presenter.result(result)
    if (!this.#parts.inScript) return
    this.#exitCode = worse(this.#exitCode, result.outcome)
    // The rest of a script makes no sense if a command in its middle is not known to have been done.
    if (result.outcome === 'unreachable') this.#parts.input.close()
  }

  #touch(): void {
    if (this.#attendance.presence.kind === 'out') return
    // If it does not get through, the session ends, which is told.
    void this.#client()
      .then((client) => client.touch({ signal: this.#stop.signal }))
      .catch(() => undefined)
  }

  /** The accounts whose names begin so, for completion; none if nobody answers soon. */
  async *names(beginning: string): AsyncGenerator<string, void, void> {
    const client = await this.#client()
    yield* client.list(beginning, { signal: AbortSignal.timeout(completionMs) })
  }

  async #client(): Promise<ChatClient> {
    this.#connecting ??= this.#connect()
    return await this.#connecting
  }

  async #connect(): Promise<ChatClient> {
    try {
      const client = await this.#parts.connect(this.#stop.signal)
      client.onSessionEnded((reason) => this.#attendance.ended(reason))
      client.onSearch((searching) => this.#prompt.searching(searching))
      client.onSwitch((event) => this.#parts.presenter.aside(this.#switchWords(event)))
      return client
    } catch (error) {
      this.#connecting = null
      throw error
    }
  }

  #switchWords({ from, to, ms }: Switch): string {
    const name = this.#parts.replicaName(to)
    return `${from === to ? 'reconnected' : 'switched'} to ${name} after ${Math.round(ms)} ms`
  }
}

function resultOf(command: string, error: unknown): Result {
  return error instanceof UsageError ? wrongUsage(command, error.message) : failed(command, error)
}
