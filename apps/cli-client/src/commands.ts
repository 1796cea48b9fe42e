import { nearest } from './nearest.ts'

export type CommandName =
  | 'help'
  | 'create'
  | 'login'
  | 'logout'
  | 'passwd'
  | 'list'
  | 'delete'
  | 'send'
  | 'check'
  | 'status'
  | 'wait'
  | 'quit'

/** What `help` says of a command. */
export interface CommandHelp {
  readonly name: CommandName
  /** In brackets what is asked for, or has a default, if it is not given. */
  readonly usage: string
  readonly summary: string
  readonly details: string
  /** As it may be typed, where the usage does not say it all. */
  readonly example?: string
  /** Only where commands come from a file or a pipe. */
  readonly scriptsOnly: boolean
}

const asked = 'What is not given is asked for.'

/** All commands, in the order in which a new user wants them. */
export const commands: readonly CommandHelp[] = [
  {
    name: 'help',
    usage: 'help [command]',
    summary: 'print this, or more about one command',
    details: '',
    example: 'help send',
    scriptsOnly: false,
  },
  {
    name: 'create',
    usage: 'create [name]',
    summary: 'make an account',
    details: `Asks for the password. A name with spaces is written in "quotes". ${asked}`,
    example: 'create alice',
    scriptsOnly: false,
  },
  {
    name: 'login',
    usage: 'login [--takeover] [name]',
    summary: 'log in; messages that wait are shown',
    details: `Asks for the password. With --takeover a login of the same account elsewhere ends. ${asked}`,
    example: 'login alice',
    scriptsOnly: false,
  },
  {
    name: 'logout',
    usage: 'logout',
    summary: 'log out',
    details: 'Messages that arrive from then on wait for the next login.',
    scriptsOnly: false,
  },
  {
    name: 'passwd',
    usage: 'passwd',
    summary: 'change your password',
    details: 'Asks for the old one and the new one. Whoever else uses this login is logged out.',
    scriptsOnly: false,
  },
  {
    name: 'list',
    usage: 'list [beginning]',
    summary: 'list the accounts whose names begin so, or all',
    details: 'Needs no login. The beginning is taken literally.',
    example: 'list al',
    scriptsOnly: false,
  },
  {
    name: 'delete',
    usage: 'delete [name]',
    summary: 'remove your account and the messages that wait for it',
    details: 'Asks for the name of your account once more.',
    example: 'delete alice',
    scriptsOnly: false,
  },
  {
    name: 'send',
    usage: 'send [name] [text]',
    summary: 'send a message',
    details: `The text is the rest of the line. If the other one is offline it waits for the next login. ${asked}`,
    example: 'send bob see you at eight',
    scriptsOnly: false,
  },
  {
    name: 'check',
    usage: 'check',
    summary: 'fetch messages now',
    details: 'They also appear by themselves.',
    scriptsOnly: false,
  },
  {
    name: 'status',
    usage: 'status',
    summary: 'show which replicas answer, and who leads',
    details: 'Needs no login. More, for operators: chatctl status.',
    scriptsOnly: false,
  },
  {
    name: 'wait',
    usage: 'wait SECONDS',
    summary: 'stay and print the messages that arrive (scripts only)',
    details: 'For use in scripts: on a terminal messages appear by themselves.',
    example: 'wait 5',
    scriptsOnly: true,
  },
  {
    name: 'quit',
    usage: 'quit',
    summary: 'log out and leave',
    details: '',
    scriptsOnly: false,
  },
]

/** The command of that name, or advice. */
export function findCommand(name: string): CommandHelp | { readonly wrong: string } {
  const found = commands.find((command) => command.name === name)
  if (found !== undefined) return found
  const similar = nearest(
    name,
    commands.map((command) => command.name),
  )
  const advice = similar === null ? 'Type help to see all commands.' : `Did you mean ${similar}?`
  return { wrong: `There is no command ${name}. ${advice}` }
}

/** The text of `help`, a line each. */
export function helpLines(command: CommandHelp | null, inScript: boolean): string[] {
  if (command !== null) {
    const { usage, summary, details, example } = command
    const more = [details, example === undefined ? '' : `For example: ${example}`]
    return [`${usage}  ${summary}`, ...more.filter((line) => line !== '')]
  }
  const shown = commands.filter((each) => inScript || !each.scriptsOnly)
  const width = Math.max(...shown.map((each) => each.usage.length))
  return shown.map((each) => `${each.usage.padEnd(width)}  ${each.summary}`)
}
