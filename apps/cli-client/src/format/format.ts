import type { Result } from '../result.ts'

/** A message as it is shown. */
interface ShownMessage {
  readonly from: string
  readonly text: string
  readonly id: string
  /** When the cluster took it. */
  readonly sentAt: Date
}

/** Something to write, without the line break at its end. */
export interface Piece {
  readonly to: 'stdout' | 'stderr'
  readonly text: string
}

/** How results, messages and notices look. */
export interface Format {
  result(result: Result): readonly Piece[]
  message(message: ShownMessage): Piece
  /** Something that no command asked for: why the session ended. */
  notice(text: string): Piece
  /** Something that only a person at a terminal wants to know. */
  aside(text: string): Piece | null
}

/** The same without what nobody asked for: that something was done. What went wrong, lists and messages stay. */
export function quietly(format: Format): Format {
  return {
    result: (result) => {
      const isNews = result.outcome !== 'done' || result.lines.length > 0
      return isNews ? format.result(result) : []
    },
    message: (message) => format.message(message),
    notice: (text) => format.notice(text),
    aside: () => null,
  }
}
