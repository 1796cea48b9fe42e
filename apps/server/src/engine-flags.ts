import { setFlagsFromString } from 'node:v8'

// V8 compiles a function to fast code once it has run through so many bytes of its bytecode, 66 KiB by default. A message runs through many functions once: by default a
// chat server runs most of them slowly for minutes. The engine of Node 24 counts otherwise, needs no such help, and does not know the flag. The figures are in BENCHMARKS.md.
const engine = Number(process.versions.v8.split('.')[0])
if (engine < 12) setFlagsFromString('--interrupt-budget=5000')

// V8 looks through the whole heap once what lives long has grown by so many percent. Left to itself it chooses a number by how fast that grows and is collected, which for the 20 MB
// of a replica under load was so small that it did so up to five times a second, marking beside the replica on a processor that it needs.
setFlagsFromString('--heap-growing-percent=100')
