import { expect } from 'vitest'
import type { PseudoTerminal } from './pseudo-terminal.ts'

declare module 'vitest' {
  // The names of the type parameters must be those of vitest.
  interface Matchers<T> {
    /** The last lines of the screen are these, now or soon. */
    toShow(...lines: (string | RegExp)[]): Promise<T>
  }
}

expect.extend({
  async toShow(terminal: PseudoTerminal, ...expected: (string | RegExp)[]) {
    const pass = await terminal.comesToShow(...expected)
    return {
      pass,
      message: () => `the screen should end with these lines, and shows\n${terminal.lines.join('\n')}`,
      expected,
      actual: terminal.lines.slice(-expected.length),
    }
  },
})
