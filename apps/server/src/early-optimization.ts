import { setFlagsFromString } from 'node:v8'

// V8 compiles a function to fast code once it has run through so many bytes of its bytecode, 66 KiB by default. A message runs through many functions once: by default a
// chat server runs most of them slowly for minutes. The engine of Node 24 counts otherwise, needs no such help, and does not know the flag. The figures are in BENCHMARKS.md.
const engine = Number(process.versions.v8.split('.')[0])
if (engine < 12) setFlagsFromString('--interrupt-budget=5000')
