import { countFrom, profiles, runCampaign } from '@chatroom/simulator'
import { counterWorkload } from './workload.ts'

const [first = '1', count = '50', fault] = process.argv.slice(2)

for (const profile of profiles) {
  const { seeds, virtualMs, acknowledged, failures } = await runCampaign({
    profile,
    workload: counterWorkload({ remembers: fault !== 'forgetful' }),
    seeds: countFrom(Number(first), Number(count)),
  })
  const minutes = Math.round(virtualMs / 60_000)
  console.log(
    `${profile.name}: ${seeds} runs, ${minutes} virtual minutes, ${acknowledged} entries, ${failures.length} violations`,
  )
  for (const { seed, violation } of failures.slice(0, 3))
    console.log(`  seed ${seed}: ${violation?.invariant}: ${violation?.words}`)
  if (failures.length > 0) process.exitCode = 1
}
