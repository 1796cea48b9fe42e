import { readFileSync } from 'node:fs'
import { options, type ProgramDefinition } from '@chatroom/configuration'
import { helpLines } from './commands.ts'
import { manualCommands } from './manual/commands.ts'
import { shots } from './one-shot/commands.ts'
import { colour, quiet } from './own-options.ts'
import { serverOptions } from './servers.ts'
import { talk } from './talk.ts'

const notes = `
Without a command it is a conversation. Its commands, each also with a slash before it:
${helpLines(null, true)
  .map((line) => `  ${line}`)
  .join('\n')}

When standard input is no terminal it is a script: one command a line, and what a command would ask for is
read from the next lines. There are no prompts and no colour. What is refused is told on stderr. Before a
script ends, the results of all its commands and the messages that wait have been printed.

With --json each line of stdout is one object. For each command, in order:
  {"type":"result","command":"send","ok":true,"code":"OK","message":"Sent to bob, who is online.",
   "to":"bob","id":"17","recipientOnline":true}
(in one line) where code is the name of a gRPC code, and for each message:
  {"type":"message","from":"bob","text":"hello","id":"18"}

Exit codes, of a script the highest of its commands':
  0  done
  1  refused
  2  wrong usage: no such command or option, or not used as it is meant
  3  no server could be reached that answers; the rest of the script is not run
At a terminal the exit code is 0, or 3 if no server could be reached at the start. After a signal (Ctrl-C,
SIGTERM, SIGHUP) it is 128 and the number of the signal; who talks or runs a script is logged out before.

Examples:
  chatroom                                    talk
  chatroom --servers host1:9600,host2:9600    to replicas on other hosts
  chatroom login alice && chatroom send bob "see you at eight"
  printf '%s\\n' 'create alice' "$PASSWORD" | chatroom
  printf '%s\\n' 'login alice' "$PASSWORD" 'send bob hello there' 'wait 5' | chatroom --json
`.trim()

const commandDefinitions = [...shots, ...manualCommands(() => program)]

/** The terminal client: a conversation, or one command of the shell. */
export const program: ProgramDefinition = {
  name: 'chatroom',
  summary: 'Talks with others on a chat service that keeps running when its servers die.',
  commands: commandDefinitions,
  otherwise: {
    name: 'chatroom',
    summary: '',
    version: ownVersion(),
    options: [...serverOptions, options.idleTimeout, options.json, quiet, colour],
    notes,
    run: talk(commandDefinitions.map((command) => command.name)),
  },
}

/** As in the package's manifest, which lies beside both `src` and `dist`. */
function ownVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  if (typeof manifest === 'object' && manifest !== null && 'version' in manifest)
    return String(manifest.version)
  throw new TypeError('package.json has no version')
}
