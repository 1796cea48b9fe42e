import { printableJson } from '@chatroom/configuration'
import type { Format } from './format.ts'

/** One JSON object a line on stdout, for programs. */
export const jsonFormat: Format = {
  result: ({ command, outcome, code, message, fields }) => [
    {
      to: 'stdout',
      text: printableJson({ type: 'result', command, ok: outcome === 'done', code, message, ...fields }),
    },
  ],
  message: ({ from, text, id }) => ({
    to: 'stdout',
    text: printableJson({ type: 'message', from, text, id }),
  }),
  notice: (text) => ({ to: 'stderr', text }),
  aside: () => null,
}
