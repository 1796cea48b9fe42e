import { describeFault } from '../faults/fault.ts'
import { profiles } from '../faults/profile.ts'
import { chatWorkload } from '../workloads/chat-workload.ts'
import { registerWorkload } from '../workloads/register-workload.ts'
import { simulate } from './simulate.ts'

const [name, fromText, countText, verbose, keepText] = process.argv.slice(2)
const profile = profiles.find((p) => p.name === name) ?? profiles[0]
if (profile === undefined) throw new Error('no profile')
const from = Number(fromText ?? 1)
const count = Number(countText ?? 1)
const began = performance.now()
let virtual = 0
const counts = new Map<string, number>()
const fails = new Map<string, number[]>()
for (let seed = from; seed < from + count; seed++) {
  const options = {
    seed,
    profile,
    ...(verbose === 'v' && { print: (line: string) => console.log(line) }),
    ...(keepText && { keep: new Set(keepText.split(',').map(Number)) }),
  }
  const result =
    process.env['W'] === 'r'
      ? await simulate({ ...options, workload: registerWorkload })
      : await simulate({ ...options, workload: chatWorkload })
  virtual += result.virtualMs
  for (const [k, n] of result.counts) counts.set(k, (counts.get(k) ?? 0) + n)
  if (result.violation !== null) {
    const list = fails.get(result.violation.invariant) ?? []
    if (list.length < 3) console.log(seed, result.violation)
    list.push(seed)
    fails.set(result.violation.invariant, list)
    if (verbose === 'v') for (const fault of result.faults) console.log(describeFault(fault))
  }
  if (count === 1) console.log(result.traceHash, result.traceLength, result.virtualMs, result.acknowledged)
}
const seconds = (performance.now() - began) / 1000
console.log(
  `${count} seeds, ${(count / seconds).toFixed(1)}/s, ${(virtual / 1000 / seconds).toFixed(0)} virtual s per s`,
)
for (const [invariant, seeds] of fails) console.log(invariant, seeds.length, seeds.slice(0, 12).join(' '))

console.log(
  [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([k, n]) => `${k}=${n}`)
    .join(', '),
)
