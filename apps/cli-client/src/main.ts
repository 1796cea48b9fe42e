#!/usr/bin/env node
import { processSurroundings, runProgram } from '@chatroom/configuration'
import { program } from './program.ts'

process.exitCode = await runProgram(program, processSurroundings())
