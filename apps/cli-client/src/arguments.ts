import type { Input, Question } from './input/input.ts'
import { takeWord } from './line.ts'

/** A command that was not used as it is meant. Its message is for the user. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

const name: Question = { prompt: 'Name: ', what: 'the name', hidden: false }
export const password: Question = { prompt: 'Password: ', what: 'the password', hidden: true }
export const oldPassword: Question = { prompt: 'Old password: ', what: 'the old password', hidden: true }
export const newPassword: Question = { prompt: 'New password: ', what: 'the new password', hidden: true }
const again: Question = { prompt: 'New password again: ', what: 'the new password', hidden: true }
const recipient: Question = { prompt: 'To: ', what: 'the name of the recipient', hidden: false }
const text: Question = { prompt: 'Text: ', what: 'the text', hidden: false }
const confirmation: Question = {
  prompt: 'Type the name of your account again to remove it: ',
  what: 'the name of the account',
  hidden: false,
}
const seconds: Question = { prompt: 'Seconds: ', what: 'the number of seconds', hidden: false }

const takeover = '--takeover'
/** As long as a script may wait at a time, seconds. */
const maximumWait = 86_400

export interface Credentials {
  readonly name: string
  readonly password: string
}

/** `[name] [password]`. The password is the rest of the line as it is. */
export async function credentialsIn(rest: string, input: Input): Promise<Credentials> {
  const first = firstWord(rest)
  return {
    name: first.word ?? (await answer(input, name)),
    password: first.rest === '' ? await answer(input, password) : first.rest,
  }
}

/** The same for a login, with `--takeover` before or behind the name, or at the end. */
export async function loginIn(
  rest: string,
  input: Input,
): Promise<Credentials & { readonly takeover: boolean }> {
  const words = rest.trim().split(/\s+/u)
  if (!words.includes(takeover)) return { ...(await credentialsIn(rest, input)), takeover: false }
  const without = rest.replace(/(?<=^|\s)--takeover(?=\s|$)\s*/u, '').trimEnd()
  return { ...(await credentialsIn(without, input)), takeover: true }
}

/** The old password and the new one, which `repeated` asks for twice: who types it does not see it. */
export async function passwordsIn(
  input: Input,
  repeated: boolean,
): Promise<{ readonly old: string; readonly next: string }> {
  const old = await answer(input, oldPassword)
  return { old, next: repeated ? await repeatedPasswordIn(input) : await answer(input, newPassword) }
}

/** The new password, asked for twice. */
export async function repeatedPasswordIn(input: Input): Promise<string> {
  const next = await answer(input, newPassword)
  if ((await answer(input, again)) === next) return next
  throw new UsageError('These were two different new passwords: nothing was changed.')
}

/** `[name] [text]`. The text is the rest of the line as it is. */
export async function messageIn(
  rest: string,
  input: Input,
): Promise<{ readonly to: string; readonly text: string }> {
  const first = firstWord(rest)
  return {
    to: first.word ?? (await answer(input, recipient)),
    text: first.rest === '' ? await answer(input, text) : first.rest,
  }
}

/** A name that is all there is: in quotes, or the rest of the line. '' if there is none. */
export function wholeName(rest: string): string {
  const trimmed = rest.trim()
  if (!trimmed.startsWith('"')) return trimmed
  const first = firstWord(trimmed)
  if (first.rest !== '') throw new UsageError('Nothing may follow the quoted name.')
  return first.word ?? ''
}

export async function confirmationIn(rest: string, input: Input): Promise<string> {
  const given = wholeName(rest)
  return given === '' ? await answer(input, confirmation) : given
}

export async function secondsIn(rest: string, input: Input): Promise<number> {
  const given = (rest.trim() === '' ? await answer(input, seconds) : rest).trim()
  const value = /^\d+(?:\.\d+)?$/u.test(given) ? Number(given) : Number.NaN
  if (value <= maximumWait) return value
  throw new UsageError(`wait takes a number of seconds from 0 to ${maximumWait}, not ${given}.`)
}

/** For commands that take nothing. */
export function nothingIn(rest: string, command: string): void {
  if (rest.trim() !== '') throw new UsageError(`${command} takes nothing else on its line.`)
}

/** True if a line has a password in it, which no history may keep. */
export function holdsPassword(command: string, rest: string): boolean {
  // Not how it is meant; but somebody types it.
  if (command === 'passwd') return rest.trim() !== ''
  if (command !== 'create' && command !== 'login') return false
  const first = takeWord(rest.replace(takeover, ''))
  return 'wrong' in first || first.rest !== ''
}

function firstWord(rest: string): { readonly word: string | null; readonly rest: string } {
  const first = takeWord(rest)
  if ('wrong' in first) throw new UsageError(first.wrong)
  return first
}

/** What is given to a question. @throws UsageError if nothing is */
export async function answer(input: Input, question: Question): Promise<string> {
  const given = await input.ask(question)
  if (given === null) throw new UsageError(`The input ended before ${question.what}.`)
  return given
}
