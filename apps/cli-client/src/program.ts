import { readFileSync } from 'node:fs'
import type { ReadStream, WriteStream } from 'node:tty'
import { connect } from '@chatroom/client'
import { type CommandDefinition, type Invocation, options, serverAddresses } from '@chatroom/configuration'
import { holdsPassword } from './arguments.ts'
import { commands, helpLines } from './commands.ts'
import { Conversation } from './conversation.ts'
import { endingSignals, exitCodeOf } from './exit-code.ts'
import type { Format } from './format/format.ts'
import { jsonFormat } from './format/json.ts'
import { plainFormat } from './format/plain.ts'
import { terminalFormat } from './format/terminal.ts'
import type { Input } from './input/input.ts'
import { ScriptInput } from './input/script-input.ts'
import { Terminal } from './input/terminal.ts'
import { readCommandLine } from './line.ts'
import { type Output, plainOutput } from './output.ts'
import { Presenter } from './presenter.ts'
import { printable } from './printable.ts'

const notes = `
Commands, each also with a slash before it:
${helpLines(null, true)
  .map((line) => `  ${line}`)
  .join('\n')}

When standard input is no terminal it is a script: one command a line, and what a command would ask for is
read from the next lines. There are no prompts and no colour. What is refused is told on stderr. Before a
script ends, the results of all its commands and the messages that wait have been printed.

With --json each line of stdout is one object. For each command, in order:
  {"type":"result","command":"send","ok":true,"code":"OK","message":"Sent to bob.","to":"bob","id":"17"}
where code is the name of a gRPC code, and for each message:
  {"type":"message","from":"bob","text":"hello","id":"18"}

Exit codes of a script: the highest of its commands'
  0  all were done
  1  one was refused
  2  wrong usage: no such command or option, or not used as it is meant
  3  no server could be reached that answers; the rest of the script is not run
On a terminal the exit code is 0, or 3 if no server could be reached at the start. After a signal (Ctrl-C,
SIGTERM, SIGHUP) it is 128 and the number of the signal; the user is logged out before.

Examples:
  chatroom                                    talk
  chatroom --servers host1:9600,host2:9600    to replicas on other hosts
  printf '%s\\n' 'create alice' "$PASSWORD" | chatroom
  printf '%s\\n' 'login alice' "$PASSWORD" 'send bob hello there' 'wait 5' | chatroom --json
`.trim()

/** The terminal client. */
export const program: CommandDefinition = {
  name: 'chatroom',
  summary: 'Talks with others on a chat service that keeps running when its servers die.',
  version: ownVersion(),
  options: [options.servers, options.clientPort, options.idleTimeout, options.json],
  notes,
  run,
}

async function run({ settings }: Invocation): Promise<number> {
  const { stdin, stdout, stderr } = process
  const servers = serverAddresses(settings).map((address) => address.text)
  const json = settings.get(options.json)
  // Without a listener a reader that goes away would end the program before it could log out.
  for (const stream of [stdout, stderr]) stream.on('error', () => undefined)

  const format: Format = json
    ? jsonFormat
    : stdin.isTTY && stdout.isTTY
      ? terminalFormat(stdout.hasColors())
      : plainFormat
  const { input, output, onPrompt } = stdin.isTTY
    ? atTerminal({ stdin, stdout, stderr, json, onInterrupt: () => conversation.stop('SIGINT') })
    : {
        input: new ScriptInput(stdin),
        output: plainOutput(stdout, stderr),
        onPrompt: () => undefined,
      }
  const conversation: Conversation = new Conversation({
    input,
    presenter: new Presenter(format, output, () => conversation.stop('SIGPIPE')),
    inScript: !stdin.isTTY,
    idleTimeoutSeconds: settings.get(options.idleTimeout),
    connect: (signal) => connect({ servers, signal }),
    replicaName: (address) => {
      const id = servers.indexOf(address)
      return id < 0 ? address : `replica ${id}`
    },
    onPrompt,
  })
  for (const signal of endingSignals) {
    process.once(signal, () => {
      // Whoever asks twice does not want to wait for the logout.
      process.once(signal, () => process.exit(exitCodeOf(signal)))
      conversation.stop(signal)
    })
  }
  return await conversation.run()
}

interface TerminalSurroundings {
  readonly stdin: ReadStream
  readonly stdout: WriteStream
  readonly stderr: WriteStream
  readonly json: boolean
  readonly onInterrupt: () => void
}

function atTerminal(surroundings: TerminalSurroundings): {
  readonly input: Input
  readonly output: Output
  readonly onPrompt: (prompt: string) => void
} {
  const { stdin, stdout, stderr, json, onInterrupt } = surroundings
  const terminal = new Terminal({
    stdin,
    stdout,
    stderr,
    // What a program reads must not have prompts in it.
    prompts: json || !stdout.isTTY ? stderr : stdout,
    remembers: (line) => {
      const given = readCommandLine(line)
      return given !== null && !holdsPassword(given.command, given.rest)
    },
    complete: (beginning) => completions(beginning),
    onInterrupt,
  })
  return {
    input: terminal,
    output: terminal,
    onPrompt: (prompt) => terminal.setCommandPrompt(printable(prompt)),
  }
}

function completions(beginning: string): string[] {
  const slash = beginning.startsWith('/') ? '/' : ''
  return commands
    .filter((command) => !command.scriptsOnly)
    .map((command) => `${slash}${command.name} `)
    .filter((command) => command.startsWith(beginning))
}

/** As in the package's manifest, which lies beside both `src` and `dist`. */
function ownVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  if (typeof manifest === 'object' && manifest !== null && 'version' in manifest)
    return String(manifest.version)
  throw new TypeError('package.json has no version')
}
