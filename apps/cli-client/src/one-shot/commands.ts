import { type Argument, type CommandDefinition, type Option, options } from '@chatroom/configuration'
import { colour, follow, newPasswordFile, passwordFile, quiet, takeover } from '../own-options.ts'
import { serverOptions } from '../servers.ts'
import { create, keptIdleSeconds, list, login, logout, passwd, remove, status } from './accounts.ts'
import { inbox, send } from './messages.ts'
import { type ShotAction, shoot } from './shot.ts'

const always: readonly Option<unknown>[] = [...serverOptions, options.json, quiet, colour]

interface Declaration {
  readonly name: string
  readonly summary: string
  readonly arguments?: readonly Argument[]
  readonly options?: readonly Option<unknown>[]
  /** More than the summary says. */
  readonly details?: string
  readonly examples: readonly string[]
  readonly action: ShotAction
}

function shot({
  name,
  summary,
  arguments: args,
  options: own,
  details,
  examples,
  action,
}: Declaration): CommandDefinition {
  const shown = examples.map((line) => `  ${line}`).join('\n')
  return {
    name,
    summary,
    arguments: args ?? [],
    options: [...(own ?? []), ...always],
    notes: `${details === undefined ? '' : `${details}\n\n`}Examples:\n${shown}`,
    run: (invocation) => shoot(name, invocation, action),
  }
}

const account: Argument = { name: '<name>', help: 'name of the account' }
const neverInSight = `The password is asked for, or read from the first line of a file. It is never an argument: every user of the
computer can see those.`

/** Each does one thing and ends. They share a login, which is kept until it is idle for too long. */
export const shots: readonly CommandDefinition[] = [
  shot({
    name: 'create',
    summary: 'make an account',
    arguments: [account],
    options: [passwordFile],
    details: neverInSight,
    examples: ['chatroom create alice', 'chatroom create alice --password-file ~/.alice'],
    action: create,
  }),
  shot({
    name: 'login',
    summary: 'log in, for the commands that follow',
    arguments: [{ name: '[name]', help: 'name of the account; without one, the last one' }],
    options: [passwordFile, takeover, options.idleTimeout],
    details: `The session is kept in $XDG_STATE_HOME/chatroom (~/.local/state/chatroom), in a file that only you may read,
until no command was given for ${keptIdleSeconds / 3_600} hours, or for --idle-timeout.
${neverInSight}`,
    examples: ['chatroom login alice', 'pass show chat | chatroom login alice --password-file -'],
    action: login,
  }),
  shot({
    name: 'logout',
    summary: 'end the login that is kept',
    examples: ['chatroom logout'],
    action: logout,
  }),
  shot({
    name: 'passwd',
    summary: 'change the password of the account that is logged in',
    options: [passwordFile, newPasswordFile],
    details: `Whoever else uses this login is logged out; this computer stays logged in. If both files are -, the old
password is the first line of standard input and the new one the second.
${neverInSight}`,
    examples: ['chatroom passwd', 'chatroom passwd --password-file old --new-password-file new'],
    action: passwd,
  }),
  shot({
    name: 'list',
    summary: 'list the accounts whose names begin so, or all',
    arguments: [{ name: '[beginning]', help: 'beginning of the names, taken literally' }],
    details: 'Needs no login.',
    examples: ['chatroom list al', "chatroom list --json | jq -r '.names[]'"],
    action: list,
  }),
  shot({
    name: 'send',
    summary: 'send a message',
    arguments: [
      { name: '<name>', help: 'who is to have it' },
      { name: '[text...]', help: 'the text; - or nothing: from standard input' },
    ],
    details: `When it ends with 0 the message is on the disk of every replica that counts. It says whether the other
one was online, which is to be logged in; a message to who is offline waits for the next login.`,
    examples: ['chatroom send bob "see you at eight"', 'cat notes | chatroom send bob -'],
    action: send,
  }),
  shot({
    name: 'inbox',
    summary: 'print the messages that wait, and remove them from the mailbox',
    options: [follow],
    details: `A message is removed when it has been written: what a full disk or a closed pipe kept from being written
comes again.`,
    examples: ['chatroom inbox', 'chatroom inbox --follow --json'],
    action: inbox,
  }),
  shot({
    name: 'delete',
    summary: 'remove the account that is logged in, and the messages that wait for it',
    arguments: [{ name: '<name>', help: 'its name, against a slip' }],
    examples: ['chatroom delete alice'],
    action: remove,
  }),
  shot({
    name: 'status',
    summary: 'show which replicas answer, and who leads',
    details: 'More, for operators: chatctl status.',
    examples: ['chatroom status', 'chatroom status --json | jq .leader'],
    action: status,
  }),
]
