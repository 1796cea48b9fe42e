#!/usr/bin/env node
import { processSurroundings, runProgram } from '@chatroom/configuration'
import { createAdminReplicaClient } from './admin-replica-client.ts'
import { certsCommand } from './commands/certs.ts'
import { hashCommand } from './commands/hash.ts'
import { logLevelCommand } from './commands/log-level.ts'
import { recoverCommand } from './commands/recover.ts'
import { statusCommand } from './commands/status.ts'
import { transferLeadershipCommand } from './commands/transfer-leadership.ts'

process.exitCode = await runProgram(
  {
    name: 'chatctl',
    summary: 'Looks at a cluster and operates it.',
    commands: [
      statusCommand(createAdminReplicaClient, process.stdout.isTTY === true),
      transferLeadershipCommand(createAdminReplicaClient),
      hashCommand(createAdminReplicaClient),
      logLevelCommand(createAdminReplicaClient),
      recoverCommand,
      certsCommand,
    ],
    notes: '"chatctl COMMAND --help" tells the rest.',
  },
  processSurroundings(),
)
