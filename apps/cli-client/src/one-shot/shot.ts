import { type ChatClient, ChatError, connect } from '@chatroom/client'
import { type Invocation, options } from '@chatroom/configuration'
import { UsageError } from '../arguments.ts'
import { type EndingSignal, endingSignals, exitCodeOf, exitCodes } from '../exit-code.ts'
import { type Format, quietly } from '../format/format.ts'
import { jsonFormat } from '../format/json.ts'
import { plainFormat } from '../format/plain.ts'
import { terminalFormat } from '../format/terminal.ts'
import { plainOutput } from '../output.ts'
import { colour, quiet } from '../own-options.ts'
import { Presenter } from '../presenter.ts'
import { failed, type Result, wrongUsage } from '../result.ts'
import { serversOf } from '../servers.ts'
import { stateDirectory } from '../state/directory.ts'
import { type KeptLogin, SessionStore } from '../state/kept-session.ts'
import { clientTraces } from '../traces.ts'

/** What one command of the shell works with. */
export interface Shot {
  readonly invocation: Invocation
  readonly presenter: Presenter
  readonly store: SessionStore
  /** Ends whatever is under way. */
  readonly signal: AbortSignal
  /** Connects at the first use. @throws ChatError */
  readonly client: () => Promise<ChatClient>
  /** The same, with the login that is kept. @throws ChatError `not logged in` if there is none */
  readonly session: () => Promise<{ readonly client: ChatClient; readonly login: KeptLogin }>
}

/** @returns what is told of it; null if what it printed says all */
export type ShotAction = (shot: Shot) => Promise<Result | null>

/** Runs one command of the shell. The login that is kept outlives it. @returns the exit code */
export async function shoot(name: string, invocation: Invocation, action: ShotAction): Promise<number> {
  const { settings, surroundings } = invocation
  const { connectOptions, addresses } = serversOf(settings)
  const stop = new AbortController()
  let ended: EndingSignal | null = null
  const end = (signal: EndingSignal): void => {
    ended ??= signal
    stop.abort()
  }
  const { stdout, stderr } = process
  for (const stream of [stdout, stderr]) stream.on('error', () => undefined)
  for (const signal of endingSignals) {
    process.once(signal, () => {
      process.once(signal, () => process.exit(exitCodeOf(signal)))
      end(signal)
    })
  }
  const presenter = new Presenter(formatOf(invocation), plainOutput(stdout, stderr), () => end('SIGPIPE'))
  const store = new SessionStore(stateDirectory(surroundings.environment), addresses)
  const { signal } = stop
  const traces = await clientTraces(settings, surroundings.stderr)
  let connecting: Promise<ChatClient> | null = null
  const client = (): Promise<ChatClient> => {
    connecting ??= connect({ ...connectOptions, ...traces.connectOptions, signal })
    return connecting
  }
  const session: Shot['session'] = async () => {
    const login = store.load()
    if (login === null) throw new ChatError('not logged in', 'Log in first: chatroom login NAME.')
    const connected = await client()
    connected.resume(login)
    return { client: connected, login }
  }
  let result: Result | null
  try {
    result = await action({ invocation, presenter, store, signal, client, session })
  } catch (error) {
    if (error instanceof ChatError && error.endsSession) store.forget()
    result = error instanceof UsageError ? wrongUsage(name, error.message) : failed(name, error)
  }
  // What fails because it was ended from outside is no news.
  if (result !== null && !(ended !== null && result.code === 'CANCELLED')) {
    await presenter.result(result).catch(() => undefined)
  }
  await closeOf(connecting)
  await traces.close()
  if (ended !== null) return exitCodeOf(ended)
  return result === null ? exitCodes.done : exitCodes[result.outcome]
}

async function closeOf(connecting: Promise<ChatClient> | null): Promise<void> {
  const client = await connecting?.catch(() => null)
  await client?.close({ logout: false })
}

function formatOf({ settings }: Invocation): Format {
  if (settings.get(options.json)) return jsonFormat
  const { stdout } = process
  const messages = stdout.isTTY
    ? terminalFormat({ colour: settings.get(colour) && stdout.hasColors(), now: () => new Date() })
    : plainFormat
  // Results are for whoever reads the next line of the script, at a terminal too.
  const format: Format = { ...plainFormat, message: (message) => messages.message(message) }
  return settings.get(quiet) ? quietly(format) : format
}
