import { type CommandDefinition, type Option, options, type ProgramDefinition } from '@chatroom/configuration'

export const shells = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof shells)[number]

export function isShell(text: string): text is Shell {
  return shells.some((shell) => shell === text)
}

/** What a shell reads to complete the program's commands and options, and names of accounts. From the same definitions as `--help`. */
export function shellCompletion(program: ProgramDefinition, shell: Shell): string {
  const entries = program.commands.map(
    (command): Entry => ({
      name: command.name,
      summary: command.summary,
      flags: flagsOf(command),
      takesName:
        command.arguments?.some(
          (argument) => argument.name.includes('name') || argument.name.includes('beginning'),
        ) ?? false,
    }),
  )
  const root: Entry = {
    name: '',
    summary: program.summary,
    flags: program.otherwise === undefined ? [] : flagsOf(program.otherwise),
    takesName: false,
  }
  if (shell === 'bash') return bash(program.name, root, entries)
  if (shell === 'zsh') return zsh(program.name, root, entries)
  return fish(program.name, root, entries)
}

interface Entry {
  readonly name: string
  readonly summary: string
  readonly flags: readonly Flag[]
  /** True if its first argument is the name of an account. */
  readonly takesName: boolean
}

interface Flag {
  readonly text: string
  readonly help: string
  readonly isSwitch: boolean
}

function flagsOf(command: CommandDefinition): Flag[] {
  const own = [...command.options, options.config]
    .filter((option) => !option.hidden)
    .map((option) => ({ text: textOf(option), help: option.help, isSwitch: option.placeholder === null }))
  const version =
    command.version === undefined ? [] : [{ text: '--version', help: 'print the version', isSwitch: true }]
  return [...own, ...version, { text: '--help', help: 'print what it can do', isSwitch: true }]
}

/** Nobody turns on what is on. */
function textOf({ flag, placeholder, fallback }: Option<unknown>): string {
  return placeholder === null && fallback === true ? flag.replace(/^--/u, '--no-') : flag
}

function words(flags: readonly Flag[]): string {
  return flags.map((flag) => flag.text).join(' ')
}

function bash(program: string, root: Entry, entries: readonly Entry[]): string {
  const names = entries.map((entry) => entry.name).join(' ')
  const takers = entries.filter((entry) => entry.takesName).map((entry) => entry.name)
  const cases = entries.map((entry) => `    ${entry.name}) flags='${words(entry.flags)}' ;;`).join('\n')
  return `# ${program} in bash
_${program}() {
  local word command='' flags='' current="\${COMP_WORDS[COMP_CWORD]}"
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case " ${names} " in *" $word "*) command=$word; break ;; esac
  done
  case $command in
    '') flags='${words(root.flags)}' ;;
${cases}
  esac
  if [[ $current == -* ]]; then
    COMPREPLY=($(compgen -W "$flags" -- "$current"))
  elif [[ -z $command ]]; then
    COMPREPLY=($(compgen -W '${names}' -- "$current"))
  elif [[ ' ${takers.join(' ')} ' == *" $command "* && \${COMP_WORDS[COMP_CWORD-1]} == "$command" ]]; then
    local IFS=$'\\n' begun=\${current#[\\"\\']}
    COMPREPLY=($(${program} list --quiet -- "\${begun//\\\\/}" 2>/dev/null))
    compopt -o filenames 2>/dev/null
  elif [[ $command == completion ]]; then
    COMPREPLY=($(compgen -W '${shells.join(' ')}' -- "$current"))
  fi
}
complete -o default -F _${program} ${program}
`
}

function zsh(program: string, root: Entry, entries: readonly Entry[]): string {
  const commands = entries.map((entry) => `    ${quoted(`${entry.name}:${entry.summary}`)}`).join('\n')
  const spec = ({ text, help, isSwitch }: Flag): string =>
    quoted(`${text}[${help.replace(/[[\]:]/gu, ' ')}]${isSwitch ? '' : ':value:_files'}`)
  const cases = entries
    .map((entry) => {
      const rest = entry.takesName
        ? [`':name:_${program}_names'`, `'*:text:'`]
        : entry.name === 'completion'
          ? [`':shell:(${shells.join(' ')})'`]
          : []
      return `    ${entry.name}) _arguments ${[...entry.flags.map(spec), ...rest].join(' ')} ;;`
    })
    .join('\n')
  return `#compdef ${program}
_${program}_names() {
  local -a names
  names=("\${(@f)$(${program} list --quiet -- "\${(Q)PREFIX}" 2>/dev/null)}")
  compadd -a names
}
_${program}() {
  local curcontext=$curcontext state line
  local -a commands
  commands=(
${commands}
  )
  _arguments -C ${root.flags.map(spec).join(' ')} '1:command:->command' '*::argument:->argument'
  case $state in
    command) _describe command commands ;;
    argument) case $words[1] in
${cases}
    esac ;;
  esac
}
if [ "$funcstack[1]" = _${program} ]; then _${program} "$@"; else compdef _${program} ${program}; fi
`
}

function fish(program: string, root: Entry, entries: readonly Entry[]): string {
  const line = (condition: string, rest: string): string =>
    `complete -c ${program} -n ${quoted(`__${program}_${condition}`)} ${rest}`
  const flag = ({ text, help, isSwitch }: Flag): string =>
    `-l ${text.replace(/^--/u, '')} ${isSwitch ? '' : '-r '}-d ${quoted(help)}`
  const lines = [
    `# ${program} in fish`,
    // The command that was given, wherever options stand.
    `function __${program}_command`,
    '  for word in (commandline -opc)[2..-1]',
    `    contains -- $word ${entries.map((entry) => entry.name).join(' ')}; and echo $word; and return`,
    '  end',
    'end',
    `function __${program}_has`,
    `  set -l command (__${program}_command)`,
    '  test "$command" = "$argv[1]"',
    'end',
    `function __${program}_just_has`,
    '  set -l given (commandline -opc)',
    `  __${program}_has $argv[1]; and test "$given[-1]" = "$argv[1]"`,
    'end',
    `complete -c ${program} -f`,
    ...root.flags.map((each) => line("has ''", flag(each))),
    ...entries.flatMap((entry) => {
      const begun = '(string unescape -- (commandline -ct))'
      const names = `-a "(${program} list --quiet -- ${begun} 2>/dev/null)"`
      const first = `just_has ${entry.name}`
      return [
        line("has ''", `-a ${entry.name} -d ${quoted(entry.summary)}`),
        ...entry.flags.map((each) => line(`has ${entry.name}`, flag(each))),
        ...(entry.takesName ? [line(first, names)] : []),
        ...(entry.name === 'completion' ? [line(first, `-a ${quoted(shells.join(' '))}`)] : []),
      ]
    }),
  ]
  return `${lines.join('\n')}\n`
}

/** For all three shells: nothing in single quotes means anything, and one of these is written outside of them. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
