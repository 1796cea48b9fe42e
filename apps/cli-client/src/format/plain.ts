import { printable } from '@chatroom/configuration'
import type { Format, Piece } from './format.ts'

/** Lines of text for scripts: no colour, one line for each message, what was refused on stderr. */
export const plainFormat: Format = {
  result: ({ command, outcome, message, lines }): Piece[] => {
    if (outcome !== 'done') return [{ to: 'stderr', text: `${printable(command)}: ${printable(message)}` }]
    if (lines.length > 0) return [{ to: 'stdout', text: lines.map(printable).join('\n') }]
    return [{ to: 'stdout', text: printable(message) }]
  },
  message: ({ from, text }) => ({ to: 'stdout', text: `${printable(from)}: ${printable(text)}` }),
  notice: (text) => ({ to: 'stderr', text: printable(text) }),
  aside: () => null,
}
