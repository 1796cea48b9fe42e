#!/usr/bin/env node
import { processSurroundings, runProgram } from '@chatroom/configuration'
import { createAskStatus } from './dev/ask-status.ts'
import { siblingCommand } from './dev/child-command.ts'
import { devProgram } from './dev/program.ts'
import { processScreen } from './dev/screen.ts'

process.exitCode = await runProgram(
  devProgram(siblingCommand(import.meta.url, './main'), createAskStatus, processScreen()),
  processSurroundings(),
)
