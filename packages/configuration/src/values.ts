import { isIP } from 'node:net'
import * as z from 'zod'
import { type Address, addressKey, parseAddress } from './address.ts'

// The kinds of values that options have. Each takes text (a flag, a variable) or a JSON value (the config file).

/** The value as an error message shows it: short, and on one line whatever it contains. */
function shown(value: unknown): string {
  const text = typeof value === 'string' ? `'${value}'` : (JSON.stringify(value) ?? String(value))
  const line = text.replace(/\p{Cc}/gu, '?')
  return line.length > 60 ? `${line.slice(0, 59)}…` : line
}

/** A whole number between two bounds; `what` names it with its article. */
export function wholeNumber(what: string, least: number, greatest: number): z.ZodType<number> {
  const error = (issue: { readonly input?: unknown }): string =>
    `${shown(issue.input)} is not ${what} (a whole number from ${least} to ${greatest})`
  const text = (raw: unknown): unknown =>
    typeof raw === 'string' && /^\d{1,15}$/.test(raw.trim()) ? Number(raw.trim()) : raw
  return z.preprocess(text, z.int({ error }).min(least, { error }).max(greatest, { error }))
}

/** A share of a whole, from 0 to 1; `what` names it with its article. */
export function share(what: string): z.ZodType<number> {
  const error = (issue: { readonly input?: unknown }): string =>
    `${shown(issue.input)} is not ${what} (a number from 0 to 1, as 0.01)`
  const text = (raw: unknown): unknown =>
    typeof raw === 'string' && /^\d(\.\d{1,9})?$/.test(raw.trim()) ? Number(raw.trim()) : raw
  return z.preprocess(text, z.number({ error }).min(0, { error }).max(1, { error }))
}

/** Different whole numbers with commas between them, or a JSON list; `what` names one with its article. */
export function wholeNumbers(what: string, least: number, greatest: number): z.ZodType<readonly number[]> {
  const list = (raw: unknown): unknown => (typeof raw === 'string' ? raw.split(',') : raw)
  return z.preprocess(
    list,
    z
      .array(wholeNumber(what, least, greatest), {
        error: (issue) => `${shown(issue.input)} is not a list of numbers`,
      })
      .min(1)
      .refine((numbers) => new Set(numbers).size === numbers.length, { error: 'a number is there twice' }),
  )
}

/** A text of this form; `what` names it with its article. */
export function textLike(what: string, pattern: RegExp): z.ZodType<string> {
  const error = (issue: { readonly input?: unknown }): string => `${shown(issue.input)} is not ${what}`
  return z.string({ error }).regex(pattern, { error })
}

/** One of a few words. */
export function oneOf<const W extends readonly [string, ...string[]]>(words: W): z.ZodType<W[number]> {
  return z.enum(words, { error: (issue) => `${shown(issue.input)} is not one of ${words.join(', ')}` })
}

/** On or off: a switch on the command line, `true` or `false` (also 1, 0, yes, no, on, off) elsewhere. */
export function onOrOff(): z.ZodType<boolean> {
  const words = new Map(
    Object.entries({
      true: true,
      yes: true,
      on: true,
      1: true,
      false: false,
      no: false,
      off: false,
      0: false,
    }),
  )
  const text = (raw: unknown): unknown =>
    typeof raw === 'string' ? (words.get(raw.trim().toLowerCase()) ?? raw) : raw
  return z.preprocess(
    text,
    z.boolean({ error: (issue) => `${shown(issue.input)} is neither true nor false` }),
  )
}

/** A path of a file or a directory; relative ones are resolved later, against the place they were given at. */
export function path(): z.ZodType<string> {
  return z
    .string({ error: (issue) => `${shown(issue.input)} is not a path` })
    .min(1, { error: 'an empty path names nothing' })
    .refine((value) => !value.includes('\0'), { error: 'a path cannot contain a NUL character' })
}

/** An IPv4 or IPv6 address to listen on, without a port. */
export function ipAddress(): z.ZodType<string> {
  const error = (issue: { readonly input?: unknown }): string =>
    `${shown(issue.input)} is no IP address, as 127.0.0.1, 0.0.0.0 or ::`
  return z.string({ error }).refine((value) => isIP(value) !== 0, { error })
}

/** Addresses, comma-separated or as a JSON list, each once. */
export function addresses(least: number, greatest: number): z.ZodType<readonly Address[]> {
  const list = (raw: unknown): unknown =>
    typeof raw === 'string' ? raw.split(',').map((s) => s.trim()) : raw
  const wanted = 'a list of host:port'
  return z.preprocess(
    list,
    z
      .array(z.string({ error: (issue) => `${shown(issue.input)} is not host:port` }).transform(oneAddress), {
        error: (issue) => `${shown(issue.input)} is not ${wanted}`,
      })
      .min(least, { error: `needs at least ${least} host:port` })
      .max(greatest, { error: `takes at most ${greatest} addresses` })
      .superRefine((items, context) => {
        const seen = new Set<string>()
        for (const item of items) {
          const key = addressKey(item)
          if (seen.has(key)) context.addIssue({ code: 'custom', message: `${item.text} is listed twice` })
          seen.add(key)
        }
      }),
  )
}

function oneAddress(text: string, context: z.RefinementCtx): Address {
  const address = parseAddress(text)
  if (!('wrong' in address)) return address
  context.addIssue({
    code: 'custom',
    message: text === '' ? 'an address between two commas is missing' : `${shown(text)} ${address.wrong}`,
  })
  return z.NEVER
}
