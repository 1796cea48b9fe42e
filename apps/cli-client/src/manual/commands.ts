import {
  type CommandDefinition,
  ConfigurationError,
  type ProgramDefinition,
  printable,
} from '@chatroom/configuration'
import { manPage } from './man-page.ts'
import { isShell, shellCompletion, shells } from './shell-completion.ts'

/** Commands that print what is known of the program itself. @param program asked when one of them runs */
export function manualCommands(program: () => ProgramDefinition): readonly CommandDefinition[] {
  return [
    {
      name: 'completion',
      summary: `print what makes a shell complete commands, options and names: ${shells.join(', ')}`,
      arguments: [{ name: '<shell>', help: shells.join(', ') }],
      options: [],
      notes: `Examples:
  eval "$(chatroom completion bash)"                                  in ~/.bashrc
  chatroom completion zsh > "\${fpath[1]}/_chatroom"                   for zsh
  chatroom completion fish > ~/.config/fish/completions/chatroom.fish`,
      run: ({ arguments: [shell = ''], surroundings }) => {
        if (!isShell(shell)) {
          const known = `Known are ${shells.join(', ')}.`
          throw new ConfigurationError(
            'invalid value',
            `${printable(shell)}: is no shell known here. ${known}`,
          )
        }
        surroundings.stdout(shellCompletion(program(), shell))
        return 0
      },
    },
    {
      name: 'man',
      summary: 'print the manual page, for man',
      options: [],
      notes: `Examples:
  chatroom man | man -l -
  chatroom man > ~/.local/share/man/man1/chatroom.1`,
      run: ({ surroundings }) => {
        surroundings.stdout(manPage(program()))
        return 0
      },
    },
  ]
}
