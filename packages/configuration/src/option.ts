import type { z } from 'zod'

/**
 * One thing that can be set: the single place that says how it is called on the command line, in the environment and in
 * the config file, what it may be, and what it is when nobody says anything.
 */
export interface Option<T> {
  /** Its name in the config file. */
  readonly key: string
  /** Its name on the command line, with the dashes. A switch can be turned off again with `--no-…`. */
  readonly flag: string
  /** What stands for the value in `--help`; null for a switch, which takes none. */
  readonly placeholder: string | null
  /** Its environment variable; null if it can only be given on the command line. */
  readonly environment: string | null
  /** One line for `--help`: what it decides, with the unit. */
  readonly help: string
  /** What is used if it is given nowhere. */
  readonly fallback: T
  /** `fallback` in the words of `--help`; '' shows none. */
  readonly fallbackWords: string
  /** Left out of `--help`: for programs that start this one, not for people. */
  readonly hidden: boolean
  /** Takes the text of a flag or a variable, or the JSON value of the config file. Its messages follow the name of the place, as in `--id: 9 is …`. */
  readonly schema: z.ZodType<T>
}

/** What an option needs said; the rest follows from its key. */
export interface OptionDeclaration<T> {
  /** In camelCase: flag `--client-port` and variable `CHATROOM_CLIENT_PORT` follow from `clientPort`. */
  readonly key: string
  readonly placeholder: string | null
  readonly help: string
  readonly schema: z.ZodType<T>
  readonly fallback: T
  readonly fallbackWords?: string
  /** Only on the command line: no environment variable and no key in the config file. */
  readonly flagOnly?: boolean
  readonly hidden?: boolean
}

/** Makes an option out of its declaration. */
export function defineOption<T>(declaration: OptionDeclaration<T>): Option<T> {
  const { key, fallback } = declaration
  const words = key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
  return {
    key,
    flag: `--${words}`,
    environment: declaration.flagOnly ? null : `CHATROOM_${words.replaceAll('-', '_').toUpperCase()}`,
    placeholder: declaration.placeholder,
    help: declaration.help,
    fallback,
    fallbackWords: declaration.fallbackWords ?? (typeof fallback === 'boolean' ? '' : String(fallback)),
    hidden: declaration.hidden ?? false,
    schema: declaration.schema,
  }
}
