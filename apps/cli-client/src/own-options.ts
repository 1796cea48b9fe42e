import { defineOption, type Option, onOrOff, path } from '@chatroom/configuration'

// The options that only this program has.

export const colour: Option<boolean> = defineOption<boolean>({
  key: 'color',
  placeholder: null,
  help: 'colour on a terminal; --no-color, or NO_COLOR in the environment, turns it off',
  schema: onOrOff(),
  fallback: true,
})

export const quiet: Option<boolean> = defineOption<boolean>({
  key: 'quiet',
  placeholder: null,
  help: 'say only what was asked for, and what went wrong',
  schema: onOrOff(),
  fallback: false,
})

export const passwordFile: Option<string | null> = defineOption<string | null>({
  key: 'passwordFile',
  placeholder: 'file',
  help: 'file whose first line is the password; - is standard input',
  schema: path(),
  fallback: null,
  fallbackWords: 'asked for on a terminal',
})

export const newPasswordFile: Option<string | null> = defineOption<string | null>({
  key: 'newPasswordFile',
  placeholder: 'file',
  help: 'file whose first line is the new password; - is standard input',
  schema: path(),
  fallback: null,
  fallbackWords: 'asked for on a terminal',
  flagOnly: true,
})

export const takeover: Option<boolean> = defineOption<boolean>({
  key: 'takeover',
  placeholder: null,
  help: 'end another login of the account',
  schema: onOrOff(),
  fallback: false,
  flagOnly: true,
})

export const follow: Option<boolean> = defineOption<boolean>({
  key: 'follow',
  placeholder: null,
  help: 'stay, and print the messages that arrive, until Ctrl-C',
  schema: onOrOff(),
  fallback: false,
  flagOnly: true,
})
