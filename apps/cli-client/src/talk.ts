import type { ReadStream, WriteStream } from 'node:tty'
import { connect } from '@chatroom/client'
import { ConfigurationError, type Invocation, options, printable } from '@chatroom/configuration'
import { holdsPassword } from './arguments.ts'
import { findCommand } from './commands.ts'
import { completionsOf } from './completion.ts'
import { Conversation } from './conversation.ts'
import { endingSignals, exitCodeOf } from './exit-code.ts'
import { quietly } from './format/format.ts'
import { jsonFormat } from './format/json.ts'
import { plainFormat } from './format/plain.ts'
import { terminalFormat } from './format/terminal.ts'
import { ScriptInput } from './input/script-input.ts'
import { Terminal } from './input/terminal.ts'
import { readCommandLine } from './line.ts'
import { nearest } from './nearest.ts'
import { plainOutput } from './output.ts'
import { colour, quiet } from './own-options.ts'
import { Presenter } from './presenter.ts'
import { serversOf } from './servers.ts'
import { stateDirectory } from './state/directory.ts'
import { History } from './state/history.ts'
import { clientTraces } from './traces.ts'

/** The conversation: commands from a terminal, a file or a pipe, until the end. */
export function talk(commandNames: readonly string[]): (invocation: Invocation) => Promise<number> {
  return async ({ settings, arguments: [word], surroundings }) => {
    if (word !== undefined) throw unknownCommand(word, commandNames)
    const { stdin, stdout, stderr } = process
    const { connectOptions, nameOf } = serversOf(settings)
    const traces = await clientTraces(settings, surroundings.stderr)
    const json = settings.get(options.json)
    // Without a listener a reader that goes away would end the program before it could log out.
    for (const stream of [stdout, stderr]) stream.on('error', () => undefined)

    const style = {
      colour: settings.get(colour) && stdout.isTTY && stdout.hasColors(),
      now: () => new Date(),
    }
    const forPeople = stdin.isTTY && stdout.isTTY ? terminalFormat(style) : plainFormat
    const format = json ? jsonFormat : settings.get(quiet) ? quietly(forPeople) : forPeople
    const terminal = stdin.isTTY
      ? openTerminal({
          stdin,
          stdout,
          stderr,
          json,
          stateDirectory: stateDirectory(surroundings.environment),
          names: (beginning) => conversation.names(beginning),
          onInterrupt: () => conversation.stop('SIGINT'),
        })
      : null
    const conversation: Conversation = new Conversation({
      input: terminal ?? new ScriptInput(stdin),
      presenter: new Presenter(format, terminal ?? plainOutput(stdout, stderr), () =>
        conversation.stop('SIGPIPE'),
      ),
      inScript: terminal === null,
      idleTimeoutSeconds: settings.get(options.idleTimeout),
      connect: (signal) => connect({ ...connectOptions, ...traces.connectOptions, signal }),
      replicaName: nameOf,
      onPrompt: (prompt) => terminal?.setCommandPrompt(printable(prompt)),
    })
    for (const signal of endingSignals) {
      process.once(signal, () => {
        // Whoever asks twice does not want to wait for the logout.
        process.once(signal, () => process.exit(exitCodeOf(signal)))
        conversation.stop(signal)
      })
    }
    const exitCode = await conversation.run()
    await traces.close()
    return exitCode
  }
}

function unknownCommand(word: string, names: readonly string[]): ConfigurationError {
  const similar = nearest(word, names)
  const advice = similar === null ? 'See --help.' : `Did you mean ${similar}?`
  return new ConfigurationError('unknown name', `${printable(word)}: there is no such command. ${advice}`)
}

interface TerminalSurroundings {
  readonly stdin: ReadStream
  readonly stdout: WriteStream
  readonly stderr: WriteStream
  readonly json: boolean
  readonly stateDirectory: string
  readonly names: (beginning: string) => AsyncIterable<string>
  readonly onInterrupt: () => void
}

function openTerminal(surroundings: TerminalSurroundings): Terminal {
  const { stdin, stdout, stderr, json, names, onInterrupt } = surroundings
  const history = new History(surroundings.stateDirectory, (why) => void stderr.write(`${printable(why)}\n`))
  return new Terminal({
    stdin,
    stdout,
    stderr,
    // What a program reads must not have prompts in it.
    prompts: json || !stdout.isTTY ? stderr : stdout,
    history: history.load(),
    remembers: (line) => {
      const memory = memoryOf(line)
      if (memory === 'for ever') history.add(line)
      return memory !== 'not at all'
    },
    complete: (beginning) => completionsOf(beginning, names),
    onInterrupt,
  })
}

/**
 * How long a line is remembered. One with a password in it not at all; nor one that would have it if its command were not misspelt. What is no
 * command may be anything, a password too: the arrow keys bring it back, to be mended, but no file keeps it.
 */
function memoryOf(line: string): 'for ever' | 'in this run' | 'not at all' {
  const given = readCommandLine(line)
  if (given === null) return 'not at all'
  const { command, rest } = given
  const meant = nearest(command, ['create', 'login']) ?? command
  if (holdsPassword(meant, rest)) return 'not at all'
  return 'wrong' in findCommand(command) ? 'in this run' : 'for ever'
}
