import { printable, printableLines } from '../printable.ts'
import type { Format, Piece } from './format.ts'

/** What SGR codes turn a style on and off (ECMA-48 §8.3.117). */
const styles = { bold: [1, 22], dim: [2, 22], red: [31, 39] } as const

/** For a person: names stand out, what was refused too, lines of a message are indented so that none looks like another message. */
export function terminalFormat(colour: boolean): Format {
  const style = (name: keyof typeof styles, text: string): string => {
    const [on, off] = styles[name]
    return colour ? `\u001b[${on}m${text}\u001b[${off}m` : text
  }
  const stdout = (text: string): Piece => ({ to: 'stdout', text })
  return {
    result: ({ outcome, message, lines }) => {
      if (outcome !== 'done') return [stdout(style('red', printable(message)))]
      const shown = lines.map((line) => `  ${printable(line)}`)
      return [stdout([...shown, printable(message)].filter((line) => line !== '').join('\n'))]
    },
    message: ({ from, text }) => {
      const [first = '', ...others] = printableLines(text)
      const name = printable(from)
      return stdout([`${style('bold', name)}: ${first}`, ...others.map((line) => `    ${line}`)].join('\n'))
    },
    notice: (text) => stdout(printable(text)),
    aside: (text) => stdout(style('dim', printable(text))),
  }
}
