import { spawnSync } from 'node:child_process'
import { chmodSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Fixture } from './fixture.ts'
import { type PseudoTerminal, programFile, stateHome } from './pseudo-terminal.ts'

let fixture: Fixture
let directory: string
let environment: Record<string, string>

beforeEach(async () => {
  fixture = await Fixture.open()
  directory = stateHome()
  for (const name of ['carla', 'Ann Lee']) fixture.cluster.chat.createAccount(name, name, 'secret')
  const program = join(directory, 'chatroom')
  writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${programFile}' "$@"\n`)
  chmodSync(program, 0o700)
  environment = {
    PATH: `${directory}:${process.env['PATH'] ?? ''}`,
    HOME: directory,
    HISTFILE: '',
    XDG_STATE_HOME: directory,
    CHATROOM_SERVERS: fixture.cluster.servers.join(','),
  }
})

afterEach(async () => {
  await fixture.close()
  rmSync(directory, { recursive: true, force: true })
})

/** How each shell is started with nothing of its user's, and reads its completions. */
const shells = {
  bash: {
    command: ['bash', '--norc', '--noprofile', '-i'],
    setUp: `PS1='shell$ '; bind 'set bell-style none'; eval "$(chatroom completion bash)"`,
  },
  zsh: {
    command: ['zsh', '-f', '-i'],
    setUp: `PS1='shell$ '; unsetopt prompt_sp beep; autoload -Uz compinit; compinit -D -u; eval "$(chatroom completion zsh)"`,
  },
  fish: {
    command: ['fish', '--no-config', '-i'],
    setUp: `function fish_prompt; echo 'shell$ '; end; chatroom completion fish | source`,
  },
} as const satisfies Record<string, { command: readonly [string, ...string[]]; setUp: string }>

function isInstalled(shell: string): boolean {
  return spawnSync(shell, ['--version']).error === undefined
}

async function start({ command, setUp }: (typeof shells)[keyof typeof shells]): Promise<PseudoTerminal> {
  const shell = fixture.spawnCommand(command, environment)
  shell.type(`${setUp}\rclear; echo re''ady\r`)
  await shell.mustShow('ready', 'shell$')
  return shell
}

/** What is typed before Tab, and the line after it. */
const lines: readonly [string, string | RegExp][] = [
  ['inb', 'inbox'],
  ['--servers x --json inb', '--servers x --json inbox'],
  ['inbox --fol', 'inbox --follow'],
  ['inbox --no-c', 'inbox --no-color'],
  ['send car', 'send carla'],
  ['send An', /^shell\$ chatroom send (?:Ann\\ Lee|'Ann Lee')$/],
  ['completion fi', 'completion fish'],
  // The text of a message is no name.
  ['send carla car\tX', 'send carla carX'],
]

describe('Tab', () => {
  it.for(['bash', 'zsh', 'fish'] as const)(
    'in %s completes commands, options and names',
    async (name, { skip }) => {
      skip(!isInstalled(name), `${name} is not installed on this machine`)
      const shell = await start(shells[name])
      for (const [typed, completed] of lines) {
        shell.type(`chatroom ${typed}\t`)
        await expect(shell).toShow(typeof completed === 'string' ? `shell$ chatroom ${completed}` : completed)
        // Ctrl-U: the line is gone.
        shell.type('\u0015')
        await expect(shell).toShow('shell$')
      }
    },
  )
})
