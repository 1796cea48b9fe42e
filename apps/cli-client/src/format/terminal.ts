import { printable, printableLines } from '@chatroom/configuration'
import type { Format, Piece } from './format.ts'
import { colourOf, inLine } from './name-colour.ts'

/** What SGR codes turn a style on and off (ECMA-48 §8.3.117). */
const styles = { bold: [1, 22], dim: [2, 22], red: [31, 39] } as const
const defaultColour = 39

export interface TerminalFormatOptions {
  readonly colour: boolean
  /** The time zone decides where days end. */
  readonly now: () => Date
}

/**
 * For a person: names stand out, each in a colour of its own, messages have their time and days their line, what was refused stands out too, lines of
 * a message are indented so that none looks like another message.
 */
export function terminalFormat({ colour, now }: TerminalFormatOptions): Format {
  let shownDay = dayOf(now())
  const style = (name: keyof typeof styles, text: string): string => {
    const [on, off] = styles[name]
    return colour ? `\u001b[${on}m${text}\u001b[${off}m` : text
  }
  const nameOf = (name: string): string => {
    const shown = inLine(printable(name))
    return colour ? `\u001b[${colourOf(name)}m${style('bold', shown)}\u001b[${defaultColour}m` : shown
  }
  /** The line between two days, if a message is of another day than what was shown before. */
  const separator = (sentAt: Date): string[] => {
    const day = dayOf(sentAt)
    if (day === shownDay) return []
    shownDay = day
    return [style('dim', `── ${day} ──`)]
  }
  const stdout = (text: string): Piece => ({ to: 'stdout', text })
  return {
    result: ({ outcome, message, lines }) => {
      if (outcome !== 'done') return [stdout(style('red', printable(message)))]
      const shown = lines.map((line) => `  ${printable(line)}`)
      return [stdout([...shown, printable(message)].filter((line) => line !== '').join('\n'))]
    },
    message: ({ from, text, sentAt }) => {
      const [first = '', ...others] = printableLines(text)
      const head = `${style('dim', timeOf(sentAt))} ${nameOf(from)}: ${first}`
      return stdout([...separator(sentAt), head, ...others.map((line) => `    ${line}`)].join('\n'))
    },
    notice: (text) => stdout(printable(text)),
    aside: (text) => stdout(style('dim', printable(text))),
  }
}

// By hand: what Intl makes of a day differs between versions of Node.
const weekdays = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const months = [
  ...['January', 'February', 'March', 'April', 'May', 'June'],
  ...['July', 'August', 'September', 'October', 'November', 'December'],
]

function dayOf(date: Date): string {
  return `${weekdays[date.getDay()]} ${date.getDate()} ${months[date.getMonth()]} ${date.getFullYear()}`
}

function timeOf(date: Date): string {
  return [date.getHours(), date.getMinutes()].map((part) => String(part).padStart(2, '0')).join(':')
}
