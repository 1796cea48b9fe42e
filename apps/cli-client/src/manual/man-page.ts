import {
  type Argument,
  type CommandDefinition,
  type Option,
  options,
  type ProgramDefinition,
} from '@chatroom/configuration'

/** The manual page in man(7) macros, from the same definitions as `--help`. */
export function manPage(program: ProgramDefinition): string {
  const { name, summary, commands, otherwise } = program
  const lines = [
    `.TH ${name.toUpperCase()} 1 "" "${escaped(`${name} ${otherwise?.version ?? ''}`.trim())}" "User Commands"`,
    // Words are not broken, nor lines stretched: names of options and variables stay in one piece.
    '.nh',
    '.ad l',
    '.SH NAME',
    `${escaped(name)} \\- ${escaped(lowerFirst(summary.replace(/\.$/u, '')))}`,
    '.SH SYNOPSIS',
    ...(otherwise === undefined ? [] : [`.B ${escaped(name)}`, '[options]', '.br']),
    ...commands.flatMap((command) => [`.B ${escaped(`${name} ${command.name}`)}`, synopsis(command), '.br']),
    ...(otherwise === undefined
      ? []
      : ['.SH OPTIONS', ...optionLines(otherwise), ...verbatim(otherwise.notes)]),
    '.SH COMMANDS',
    ...(otherwise === undefined ? [] : ['Each takes the options above too, where they make sense.']),
    ...commands.flatMap((command) => commandLines(name, command, otherwise?.options ?? [])),
  ]
  return `${lines.filter((line) => line !== '').join('\n')}\n`
}

function commandLines(
  program: string,
  command: CommandDefinition,
  told: readonly Option<unknown>[],
): string[] {
  const own = command.options.filter((option) => !told.includes(option))
  return [
    `.SS ${escaped(`${program} ${command.name}`)} ${synopsis(command)}`,
    escaped(`${command.summary.charAt(0).toUpperCase()}${command.summary.slice(1)}.`),
    ...(command.arguments ?? []).flatMap(argumentLines),
    ...own.filter((option) => !option.hidden).flatMap(oneOption),
    ...verbatim(command.notes),
  ]
}

function synopsis(command: CommandDefinition): string {
  return escaped(['[options]', ...(command.arguments ?? []).map((argument) => argument.name)].join(' '))
}

function argumentLines({ name, help }: Argument): string[] {
  return ['.TP', escaped(name), escaped(help)]
}

function optionLines(command: CommandDefinition): string[] {
  return [...command.options, options.config].filter((option) => !option.hidden).flatMap(oneOption)
}

function oneOption(option: Option<unknown>): string[] {
  const value = option.placeholder === null ? '' : ` \\fI${escaped(option.placeholder)}\\fR`
  const places = [
    option.fallbackWords === '' ? '' : `Default: ${option.fallbackWords}.`,
    option.environment === null ? '' : `Environment: ${option.environment}.`,
  ]
  const help = [`${option.help}.`, ...places].filter((part) => part !== '').join(' ')
  return ['.TP', `\\fB${escaped(option.flag)}\\fR${value}`, escaped(help)]
}

/** Text whose lines are to stay as they are: tables, examples. */
function verbatim(text: string | undefined): string[] {
  if (text === undefined || text === '') return []
  const lines = text.split('\n').map((line) => (line === '' ? '.sp' : escaped(line)))
  return ['.PP', '.nf', ...lines, '.fi']
}

function lowerFirst(text: string): string {
  return `${text.charAt(0).toLowerCase()}${text.slice(1)}`
}

/** So that roff takes nothing for a request of its own. */
function escaped(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^(?=[.'])/u, '\\&')
    .replace(/\P{ASCII}/gu, (character) => {
      return `\\[u${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}]`
    })
}
