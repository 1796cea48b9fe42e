import {
  type CommandDefinition,
  ConfigurationError,
  defineOption,
  onOrOff,
  options,
  printableJson,
  wholeNumber,
} from '@chatroom/configuration'
import { decodeView } from '@chatroom/election'
import { type Entry, StorageError } from '@chatroom/replication-log'
import { readDirectory } from '@chatroom/replication-log/file'
import { Chat } from '@chatroom/state-machine'
import { within } from '../offline/directory-argument.ts'

const from = defineOption<number>({
  key: 'from',
  placeholder: 'index',
  help: 'first entry',
  schema: wholeNumber('an index', 1, 999_999_999_999_999),
  fallback: 1,
  fallbackWords: 'where the log begins',
  flagOnly: true,
})

const to = defineOption<number | null>({
  key: 'to',
  placeholder: 'index',
  help: 'last entry',
  schema: wholeNumber('an index', 1, 999_999_999_999_999),
  fallback: null,
  fallbackWords: 'where the log ends',
  flagOnly: true,
})

const contents = defineOption<boolean>({
  key: 'contents',
  placeholder: null,
  help: 'also what the entries say: names, texts, hashes of passwords and tokens',
  schema: onOrOff(),
  fallback: false,
  flagOnly: true,
})

const notes = `\
chatctl log inspect DIRECTORY shows the entries in the log of a replica that does not run: index, term, time, kind (noop, view, or the command), bytes. What people wrote,
and who, is shown only with --contents. Nothing is changed.

With --json, one object on a line for each entry: index, term, timeMs, kind, bytes, and contents if asked for.

Exit codes: 0 shown, 1 the directory cannot be read or is damaged ("chatctl verify" tells all), 2 called or configured wrongly.`

/** `chatctl log inspect` */
export const logCommand: CommandDefinition = {
  name: 'log',
  summary: 'Shows the log of a stopped replica.',
  arguments: [
    { name: '<inspect>', help: 'the only thing it does' },
    { name: '<directory>', help: 'the data directory of one replica' },
  ],
  options: [from, to, options.json, contents],
  notes,
  run: async ({ settings, arguments: [verb, directory], surroundings }) => {
    if (verb !== 'inspect')
      throw new ConfigurationError(
        'invalid value',
        `There is no "chatctl log ${verb}": write "chatctl log inspect DIRECTORY".`,
      )
    const [begin, end] = [settings.get(from), settings.get(to)]
    if (end !== null && end < begin)
      throw new ConfigurationError(
        'conflict',
        `--from ${begin} is behind --to ${end}: nothing lies between them.`,
      )
    const show = settings.get(options.json) ? asJson : asText
    const chat = new Chat()
    try {
      const found = await readDirectory(within(surroundings, directory))
      const first = settings.get(from)
      const last = settings.get(to) ?? found.last.index
      let shown = 0
      for await (const entry of found.entries(first, last)) {
        surroundings.stdout(show(describe(entry, chat, settings.get(contents))))
        shown++
      }
      if (shown === 0)
        surroundings.stderr(
          `There is no entry from ${first} to ${last}: the log ends at ${found.last.index}.\n`,
        )
      return 0
    } catch (error) {
      if (!(error instanceof StorageError)) throw error
      surroundings.stderr(`Not shown: ${error.message}.\n`)
      return 1
    }
  },
}

interface Described {
  readonly index: number
  readonly term: number
  readonly timeMs: number
  readonly kind: string
  readonly bytes: number
  readonly contents?: unknown
}

function describe({ index, term, time, kind, payload }: Entry, chat: Chat, withContents: boolean): Described {
  const place = { index, term, timeMs: time, bytes: payload.length }
  if (kind === 'noop') return { ...place, kind }
  if (kind === 'view') return { ...place, kind, ...(withContents ? { contents: decodeView(payload) } : {}) }
  const command = chat.decode(payload)
  return { ...place, kind: command.type, ...(withContents ? { contents: command } : {}) }
}

function asJson(entry: Described): string {
  return `${toJson(entry)}\n`
}

function asText({ index, term, timeMs, kind, bytes, contents: inside }: Described): string {
  const line = `${index}  term ${term}  ${new Date(timeMs).toISOString()}  ${kind}  ${bytes} bytes`
  return inside === undefined ? `${line}\n` : `${line}  ${toJson(inside)}\n`
}

function toJson(value: unknown): string {
  return printableJson(value, (_, each: unknown) =>
    each instanceof Uint8Array ? Buffer.from(each).toString('hex') : each,
  )
}
