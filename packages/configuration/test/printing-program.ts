// A program that prints so many lines, as a process of its own.
import { defineOption, processSurroundings, runProgram, wholeNumber } from '../src/index.ts'

const lines = defineOption<number>({
  key: 'lines',
  placeholder: 'number',
  help: 'how many',
  schema: wholeNumber('a number of lines', 0, 1_000_000_000),
  fallback: 0,
  flagOnly: true,
})

process.exitCode = await runProgram(
  {
    name: 'printing-program',
    summary: 'Prints.',
    options: [lines],
    run: async ({ settings, surroundings }) => {
      for (let n = 0; n < settings.get(lines); n++) {
        surroundings.stdout(`line ${n}\n`)
        // As a command that reads what it prints.
        if (n % 100 === 99) await new Promise((resolve) => setImmediate(resolve))
      }
      return 0
    },
  },
  processSurroundings(),
)
