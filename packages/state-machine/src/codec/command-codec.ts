import { BinaryWriter } from '@bufbuild/protobuf/wire'
import { fingerprintOfSend } from '../apply/fingerprint.ts'
import type { Administer, Command } from '../command.ts'
import { StateMachineError } from '../error.ts'
import { AccountAction, Command as CommandMessage } from '../gen/chatroom/state/v1/command.ts'
import type { LoggedCommand } from '../logged-command.ts'
import { textOf } from '../text/text-bytes.ts'
import { utf8Length } from '../text/utf8.ts'
import { decodeSend } from './send-decoder.ts'
import { SendEncoder } from './send-encoder.ts'

/** Commands as the log holds them: `chatroom.state.v1.Command`. */
export class CommandCodec {
  readonly #sends = new SendEncoder()
  readonly #writer = new BinaryWriter()

  /**
   * Throws a `StateMachineError` 'invalid command' for what would not come back the same: replicas that decode the command must find in it what the one that proposed it did.
   */
  encode(command: Command): Uint8Array {
    check(command)
    if (command.type === 'send') return this.#sends.encode(command)
    return CommandMessage.encode(toMessage(command), this.#writer).finish()
  }

  /** Throws a `StateMachineError` 'malformed command' if the bytes are no command. */
  decode(payload: Uint8Array): Command {
    const command = this.decodeLogged(payload)
    if (command.type !== 'send') return command
    const { type, sessionId, requestId, to } = command
    return { type, sessionId, requestId, to, text: textOf(command) }
  }

  /** As it is applied. Throws as `decode`. */
  decodeLogged(payload: Uint8Array): LoggedCommand {
    const send = decodeSend(payload)
    if (send !== undefined) return send
    let message: CommandMessage
    try {
      message = CommandMessage.decode(payload)
    } catch (cause) {
      throw new StateMachineError(
        'malformed command',
        `An entry of ${payload.length} bytes is no command: its bytes are damaged.`,
        { cause },
      )
    }
    const command = fromMessage(message, payload.length)
    return this.logged(command)
  }

  /** As it would be decoded. Throws as `encode`. */
  logged(command: Command): LoggedCommand {
    if (command.type !== 'send') return command
    check(command)
    const { type, sessionId, requestId, to, text } = command
    const source = new TextEncoder().encode(text)
    const textEnd = source.length
    const fingerprint = fingerprintOfSend(to, source, 0, textEnd)
    if (fingerprint === undefined) throw invalid(command, 'a text that is not well-formed')
    const requestIdBytes = utf8Length(requestId)
    return { type, sessionId, requestId, requestIdBytes, to, source, textAt: 0, textEnd, fingerprint }
  }
}

/** Throws for a command that would not come back the same. */
function check(command: Command): void {
  if (command.type !== 'send') {
    for (const value of Object.values(command)) checkValue(command, value)
    return
  }
  const { sessionId, requestId, to, text } = command
  checkValue(command, sessionId)
  checkValue(command, requestId)
  checkValue(command, to)
  checkValue(command, text)
}

function checkValue(command: Command, value: unknown): void {
  if (typeof value === 'string' && !value.isWellFormed())
    throw invalid(command, 'a text that is not well-formed')
  if (typeof value === 'number' && !(Number.isSafeInteger(value) && value >= 0))
    throw invalid(command, `the number ${value}`)
}

function invalid(command: Command, what: string): StateMachineError {
  return new StateMachineError(
    'invalid command',
    `A ${command.type} command has ${what}: check it before it is proposed.`,
  )
}

const actions: Record<Administer['action'], AccountAction> = {
  lock: AccountAction.ACCOUNT_ACTION_LOCK,
  unlock: AccountAction.ACCOUNT_ACTION_UNLOCK,
  delete: AccountAction.ACCOUNT_ACTION_DELETE,
}

function actionOf(number: AccountAction): Administer['action'] {
  if (number === actions.lock) return 'lock'
  if (number === actions.unlock) return 'unlock'
  if (number === actions.delete) return 'delete'
  throw new StateMachineError(
    'malformed command',
    `Action ${number} on an account is none that this version knows. Was it written by a newer one? Run that.`,
  )
}

function toMessage(command: Exclude<Command, { type: 'send' }>): CommandMessage {
  switch (command.type) {
    case 'createAccount':
      return { command: { $case: 'createAccount', value: command } }
    case 'login':
      return { command: { $case: 'login', value: command } }
    case 'logout':
      return { command: { $case: 'logout', value: command } }
    case 'deleteAccount':
      return { command: { $case: 'deleteAccount', value: command } }
    case 'changePassword':
      return { command: { $case: 'changePassword', value: command } }
    case 'acknowledge':
      return { command: { $case: 'acknowledge', value: command } }
    case 'touch':
      return { command: { $case: 'touch', value: command } }
    case 'expire':
      return { command: { $case: 'expire', value: command } }
    case 'administer':
      return {
        command: { $case: 'administer', value: { name: command.name, action: actions[command.action] } },
      }
  }
}

function fromMessage({ command }: CommandMessage, bytes: number): Command {
  switch (command?.$case) {
    case 'send': {
      const { sessionId, requestId, to, text } = command.value
      return { type: 'send', sessionId, requestId, to, text }
    }
    case 'acknowledge':
      return { type: 'acknowledge', ...command.value }
    case 'touch':
      return { type: 'touch', ...command.value }
    case 'createAccount':
      return { type: 'createAccount', ...command.value }
    case 'login':
      // A copy: the bytes of an entry need not live as long as what is made of them.
      return { type: 'login', ...command.value, tokenHash: command.value.tokenHash.slice() }
    case 'logout':
      return { type: 'logout', ...command.value }
    case 'deleteAccount':
      return { type: 'deleteAccount', ...command.value }
    case 'changePassword':
      return { type: 'changePassword', ...command.value }
    case 'expire':
      return { type: 'expire' }
    case 'administer':
      return { type: 'administer', name: command.value.name, action: actionOf(command.value.action) }
    case undefined:
      throw new StateMachineError(
        'malformed command',
        `An entry of ${bytes} bytes is no command that this version knows. Was it written by a newer one? Run that.`,
      )
  }
}
