/** Something a command needs and did not get. */
export interface Question {
  /** As shown on a terminal, with a colon and a space. */
  readonly prompt: string
  /** What is missing if there is no answer, as in `the password`. */
  readonly what: string
  /** Not shown while it is typed, and kept in no history. */
  readonly hidden: boolean
}

/** Where commands and answers come from. */
export interface Input {
  /** The next line that is meant as a command; null at the end. Rejects with a `UsageError` for a line that cannot be read; the next one can be asked for. */
  command(): Promise<string | null>
  /** The answer to a question; null at the end. Rejects like `command`. */
  ask(question: Question): Promise<string | null>
  /** Ends it from this side: whoever waits gets null. */
  close(): void
}
