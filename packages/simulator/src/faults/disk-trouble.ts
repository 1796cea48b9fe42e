import type { diskFaults } from './fault.ts'
import type { Injector } from './stage.ts'

/** What disks do. That a crash loses what was not flushed, or tears it, or loses the name of a file, is no fault of its own: every crash may. */
export const diskTrouble: Record<(typeof diskFaults)[number], Injector> = {
  'slow disk'({ ms, amount }, { disk }, { until }) {
    disk.slowness = 2 + amount * 100
    until(ms, () => {
      disk.slowness = 1
    })
  },

  'full disk'({ ms }, { disk }, { until }) {
    disk.full = true
    until(ms, () => {
      disk.full = false
    })
  },

  'failing disk'(_fault, { disk }) {
    disk.failsNext = true
  },

  // One at a time: who loses two disks of three loses what was on them.
  'replaced disk'({ ms }, { id, program, disk }, { stage, downFor }) {
    if (!stage.canLoseDiskOf(id)) return
    downFor(id, ms)
    program?.process.kill('its disk is replaced')
    disk.replace()
  },

  // Whenever its next snapshot, or one that a leader sent, is renamed into place.
  'lost directory entry'(_fault, { disk }, { until }) {
    disk.losesNextName = true
    until(Number.MAX_SAFE_INTEGER, () => {
      disk.losesNextName = false
    })
  },

  'rotten entry'({ ms, amount }, { id }, { stage, downFor }) {
    downFor(id, ms)
    stage.rot(id, amount)
  },

  'bit flip'({ amount }, { disk }) {
    disk.damage(1 + Math.floor(amount * 200))
  },
}
