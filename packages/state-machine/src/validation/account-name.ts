import { defaultLimits } from '../limits.ts'
import { type Checked, refusal } from './checked.ts'

/**
 * Which names may be made, and the form in which a name is stored and looked up: Unicode NFC, so that two ways to type one name are one name.
 *
 * The tables of Unicode differ between versions of Node. So this is decided once, before the command enters the log, and never while it is applied.
 */
export function checkName(
  name: string,
  limits: { readonly nameCodePoints: number } = defaultLimits,
): Checked {
  if (!name.isWellFormed()) return invalid('is no valid Unicode text')
  if (name === '') return invalid('is empty')
  const normalized = name.normalize('NFC')
  // Twice the bound in units holds every allowed name; it keeps what follows from looking at megabytes.
  const length = normalized.length <= 2 * limits.nameCodePoints ? Array.from(normalized).length : Infinity
  if (length > limits.nameCodePoints) return invalid(`is longer than ${limits.nameCodePoints} characters`)
  for (const { pattern, what } of forbidden) {
    const found = pattern.exec(normalized)
    if (found !== null) return invalid(`contains ${what} (${codePoint(found[0])})`)
  }
  if (/^\p{Mark}/u.test(normalized)) {
    return invalid(`begins with a mark that belongs to a letter before it (${codePoint(normalized)})`)
  }
  const folded = normalized.normalize('NFKC')
  if (folded !== normalized) {
    return invalid(`contains characters that look like others; write it ${JSON.stringify(folded)}`)
  }
  return { ok: true, value: normalized }
}

const forbidden: readonly { readonly pattern: RegExp; readonly what: string }[] = [
  { pattern: /\p{White_Space}/u, what: 'a space or line break' },
  { pattern: /\p{Control}/u, what: 'a control character' },
  { pattern: /[\p{Format}\p{Default_Ignorable_Code_Point}]/u, what: 'an invisible character' },
  { pattern: /[\p{Unassigned}\p{Private_Use}]/u, what: 'a character without a meaning in Unicode' },
]

function invalid(what: string): Checked {
  return refusal(
    'invalid name',
    `The account name ${what}. Choose a name of visible characters without spaces.`,
  )
}

function codePoint(text: string): string {
  return `U+${(text.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`
}
