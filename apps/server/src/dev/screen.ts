import { printableText } from '@chatroom/configuration'

/** Where the launcher prints: a few lines, each whole, each soon. */
export interface Screen {
  /** A line as it is. */
  line(text: string): void
  /** Something that happened, with the time in front. */
  event(text: string): void
  /** What keeps the launcher from working, on standard error. */
  error(text: string): void
}

/** Shows what replicas say without obeying it. Colour only on a terminal, and not where NO_COLOR asks for none. */
export function createScreen(
  stdout: (text: string) => void,
  stderr: (text: string) => void,
  options: { readonly colour: boolean; readonly now?: () => Date },
): Screen {
  const now = options.now ?? ((): Date => new Date())
  const time = (): string => {
    const text = now().toTimeString().slice(0, 8)
    return options.colour ? `\u001b[2m${text}\u001b[22m` : text
  }
  return {
    line: (text) => stdout(`${printableText(text)}\n`),
    event: (text) => stdout(`${time()} ${printableText(text)}\n`),
    error: (text) => stderr(`${printableText(text)}\n`),
  }
}

/** The same for this process. A reader that has gone away is no reason to stop. */
export function processScreen(): Screen {
  process.stdout.on('error', () => undefined)
  process.stderr.on('error', () => undefined)
  return createScreen(
    (text) => void process.stdout.write(text),
    (text) => void process.stderr.write(text),
    { colour: process.stdout.isTTY === true && !process.env['NO_COLOR'] },
  )
}
