import { type ChatClient, ChatError } from '@chatroom/client'
import {
  confirmationIn,
  credentialsIn,
  loginIn,
  nothingIn,
  passwordsIn,
  secondsIn,
  wholeName,
} from './arguments.ts'
import type { Attendance } from './attendance.ts'
import { type CommandName, commands, findCommand, helpLines } from './commands.ts'
import type { Input } from './input/input.ts'
import { done, type Result, wrongUsage } from './result.ts'
import { statusResult } from './status.ts'

export interface ActionParts {
  readonly input: Input
  /** Connects at the first use. */
  readonly client: () => Promise<ChatClient>
  readonly attendance: Attendance
  readonly inScript: boolean
  /** Asked for at every login. */
  readonly idleTimeoutSeconds: number
  /** Ends whatever is under way. */
  readonly signal: AbortSignal
}

/** What one command does with the rest of its line. @throws UsageError, ChatError */
export type Action = (rest: string) => Promise<Result>

/** All commands but `send`, which does not wait for its answer. */
export type ActionName = Exclude<CommandName, 'send'>

/** What each command does. */
export function actionsOf(parts: ActionParts): Readonly<Record<ActionName, Action>> {
  const { input, attendance, inScript, signal } = parts
  const mustBeIn = (): void => {
    if (attendance.presence.kind === 'out') throw new ChatError('not logged in', 'Log in first.')
  }
  return {
    help: async (rest) => {
      const names = commands.map((command) => command.name)
      if (rest.trim() === '') {
        return done(
          'help',
          'A command may begin with a slash.',
          { commands: names },
          helpLines(null, inScript),
        )
      }
      const command = findCommand(rest.trim().toLowerCase().replace(/^\//u, ''))
      if ('wrong' in command) return wrongUsage('help', command.wrong)
      return done('help', '', { commands: [command.name] }, helpLines(command, inScript))
    },

    create: async (rest) => {
      const { name, password } = await credentialsIn(rest, input)
      const client = await parts.client()
      await client.createAccount(name, password, { signal })
      return done('create', `The account ${name} has been made.`, { name })
    },

    login: async (rest) => {
      const { name, password, takeover } = await loginIn(rest, input)
      const client = await parts.client()
      const { idleTimeoutSeconds } = parts
      const login = await client.login(name, password, { takeover, idleTimeoutSeconds, signal })
      const { waiting } = login
      const messages = waiting === 1 ? '1 message waits' : `${waiting} messages wait`
      const message = `Logged in as ${login.name}; ${waiting === 0 ? 'no messages wait' : messages}.`
      return done('login', message, {
        name: login.name,
        waiting,
        idleTimeoutSeconds: login.idleTimeoutSeconds,
      })
    },

    logout: async (rest) => {
      nothingIn(rest, 'logout')
      mustBeIn()
      const client = await parts.client()
      // So that a script does the same every time: what waited before is told before.
      if (inScript) await attendance.fetch()
      await attendance.leave(() => client.logout({ signal }))
      return done('logout', 'Logged out.')
    },

    passwd: async (rest) => {
      nothingIn(rest, 'passwd')
      if (!inScript) mustBeIn()
      const { old, next } = await passwordsIn(input, !inScript)
      const { presence } = attendance
      if (presence.kind === 'out') throw new ChatError('not logged in', 'Log in first.')
      const client = await parts.client()
      // So that a script does the same every time: what waited before is told before.
      if (inScript) await attendance.fetch()
      await attendance.leave(() => client.changePassword(old, next, { signal }))
      const { idleTimeoutSeconds } = parts
      try {
        const login = await client.login(presence.name, next, { idleTimeoutSeconds, signal })
        return done('passwd', 'The password has been changed.', {
          name: login.name,
          idleTimeoutSeconds: login.idleTimeoutSeconds,
        })
      } catch (error) {
        if (!(error instanceof ChatError)) throw error
        return done('passwd', `The password has been changed, but log in again: ${error.message}`)
      }
    },

    list: async (rest) => {
      const beginning = wholeName(rest)
      const client = await parts.client()
      const names: string[] = []
      for await (const name of client.list(beginning, { signal })) names.push(name)
      const message =
        names.length === 1 ? '1 account.' : `${names.length === 0 ? 'No' : names.length} accounts.`
      return done('list', message, { names }, names)
    },

    delete: async (rest) => {
      // A person is not asked for nothing; in a script the answer is there and must not be taken for a command.
      if (!inScript) mustBeIn()
      const name = await confirmationIn(rest, input)
      mustBeIn()
      const client = await parts.client()
      await attendance.leave(() => client.deleteAccount(name, { signal }))
      return done('delete', `The account ${name} has been removed.`, { name })
    },

    check: async (rest) => {
      nothingIn(rest, 'check')
      const count = await attendance.fetch()
      const message = count === 1 ? '1 new message.' : `${count === 0 ? 'No' : count} new messages.`
      return done('check', message, { messages: count })
    },

    status: async (rest) => {
      nothingIn(rest, 'status')
      const client = await parts.client()
      return statusResult(await client.look({ signal }))
    },

    wait: async (rest) => {
      if (!inScript) return wrongUsage('wait', 'wait is for scripts: here messages appear by themselves.')
      const seconds = await secondsIn(rest, input)
      await stay(parts, seconds * 1_000)
      if (signal.aborted) throw new ChatError('aborted', 'The wait was broken off.')
      return done('wait', `Waited for ${seconds} s.`, { seconds })
    },

    quit: async (rest) => {
      nothingIn(rest, 'quit')
      return done('quit', inScript ? 'Bye.' : '')
    },
  }
}

/** A script that waits is at work: it is not idle. */
async function stay({ attendance, client, signal }: ActionParts, ms: number): Promise<void> {
  const endsAt = performance.now() + ms
  while (!signal.aborted) {
    const left = endsAt - performance.now()
    if (left <= 0) return
    const { presence } = attendance
    await pause(presence.kind === 'in' ? Math.min(left, presence.idleTimeoutMs / 3) : left, signal)
    if (attendance.presence.kind === 'out') continue
    attendance.active()
    // If it does not get through, the session ends, which is told.
    const connected = await client()
    connected.touch({ signal }).catch(() => undefined)
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal.addEventListener('abort', end)
  })
}
