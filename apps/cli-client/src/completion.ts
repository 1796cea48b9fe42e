import { printable } from '@chatroom/configuration'
import { commands } from './commands.ts'

/** Commands whose first argument is the name of an account. */
const named = /^\s*\/?(?:send|list|login)\s+(?:--takeover\s+)?(?<begun>"[^"]*|[^\s"]*)$/iu
/** As many names as fit on a screen. */
const maximumNames = 50

/** What Tab may make of a line: the possible endings, and the part of the line that they replace. */
export type Completions = [endings: string[], replaced: string]

/**
 * @param line what is left of the cursor
 * @param names the accounts whose names begin so; an iteration that fails ends the list
 */
export async function completionsOf(
  line: string,
  names: (beginning: string) => AsyncIterable<string>,
): Promise<Completions> {
  const begun = named.exec(line)?.groups?.['begun']
  if (begun === undefined) return [commandsFor(line), line]
  const quoted = begun.startsWith('"')
  const found: string[] = []
  try {
    for await (const name of names(quoted ? begun.slice(1) : begun)) {
      // What cannot be shown as it is could be another name than it seems.
      if (printable(name) === name) found.push(wordFor(name, quoted))
      if (found.length === maximumNames) break
    }
  } catch {
    // Nobody answers in time: then there is nothing to offer.
  }
  return [found, begun]
}

function commandsFor(line: string): string[] {
  const slash = line.startsWith('/') ? '/' : ''
  return commands
    .filter((command) => !command.scriptsOnly)
    .map((command) => `${slash}${command.name} `)
    .filter((command) => command.startsWith(line))
}

function wordFor(name: string, quoted: boolean): string {
  if (!quoted && !/[\s"\\]/u.test(name)) return `${name} `
  return `"${name.replace(/["\\]/gu, '\\$&')}" `
}
